-- The jit library, its modules, thread.exdata.
print(jit.status() == true, jit.off(), jit.status())
jit.on()
print((jit.status()), jit.flush(), jit.opt == require 'jit.opt')
print(pcall(jit.on, 1))
jit.opt.start(3, '-loop', 'hotloop=10', 'nofold')
print(pcall(jit.opt.start, 'what'))

local util = require 'jit.util'
local up, other = 1, 2
local function f(a, ...) return up + other, function() end end
local info = util.funcinfo(f)
print(info.linedefined, info.lastlinedefined, info.params, info.upvalues, info.isvararg, info.children, info.source)
print(info.loc, info.currentline, info.bytecodes, info.proto == util.funcinfo(f).proto)
print(util.funcuvname(f, 0), util.funcuvname(f, 1), util.funcuvname(f, 2), (util.funcbc(f, 0)), (util.funck(f, -1)))
print(util.funcinfo(print).upvalues, util.funcinfo(print).linedefined)
print(pcall(util.funcinfo, 1))
print(pcall(util.funcbc, print, 1))
print((util.traceinfo(1)), (util.tracek(1, 1)), pcall(util.traceinfo))

for _, name in ipairs { 'v', 'dump', 'bc', 'vmdef', 'p', 'zone', 'profile' } do io.write(type(require('jit.' .. name)), ' ') end
print()
print(pcall(require('jit.bc').dump, f))
print(pcall(require('jit.profile').start, 'f', print))
local zone = require 'jit.zone'
zone 'a'
zone 'b'
print(zone:get(), zone(), zone:get(), zone(), zone:get(), pcall(zone))

print(table.concat(jit.prngstate(123), ' '))
print(table.concat(jit.prngstate({ 1, 2 }), ' '))
print(table.concat(jit.prngstate(), ' '))
print(pcall(jit.prngstate, -1))

local ffi = require 'ffi'
local exdata = require 'thread.exdata'
print(exdata() == nil, type(exdata()))
exdata(ffi.cast('void *', 0x1234))
print(exdata() == ffi.cast('void *', 0x1234), require 'thread.exdata2'() == nil)
coroutine.wrap(function()
  print(exdata() == ffi.cast('void *', 0x1234))
  exdata(ffi.cast('void *', 5))
end)()
print(exdata() == ffi.cast('void *', 0x1234), pcall(exdata, 1))
for _, name in ipairs { 'new', 'clear', 'nkeys', 'isarray', 'isempty', 'clone' } do io.write(type(require('table.' .. name)), ' ') end
print()
