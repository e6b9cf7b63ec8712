-- The os library.
local function try(...)
  local r = { pcall(...) }
  for i = 1, 4 do r[i] = tostring(r[i]) end
  print(unpack(r, 1, 4))
end

for _, t in ipairs { 0, 1e9, 1709251199, 1709251200, 951782400, -1e9, 1735689599, 1704067200, 4102444800 } do
  print(os.date('!%a %A %b %B %c|%C %d %D %e %F %g %G %h %H %I|%j %m %M %p %r|%R %S %T %u %U|%V %w %W %x %X|%y %Y %z %Z %%', t))
end
print(os.date('!%k|%l|%P|%s|%n|%t|%-d|%_d|%05d|%^a|%#Z|%10Y|%3S|%Ey|%Od|%Q|%E', 1e9))
print(os.date('!%Y-%m-%dT%H:%M:%SZ', 1234567890), os.date('', 0) == '', os.date('!x%', 0))
local d = os.date('!*t', 1234567890)
print(d.year, d.month, d.day, d.hour, d.min, d.sec, d.wday, d.yday, d.isdst)
local base = os.time { year = 2024, month = 1, day = 1, hour = 0 }
local function since(t) return os.time(t) - base end
print(since { year = 2024, month = 2, day = 28, hour = 12 }, since { year = 2024, month = 2, day = 28 }, since { year = 2023, month = 14, day = -3, hour = 50, min = -5, sec = 1000 })
print(since { year = '2024', month = '1', day = '2', hour = 0 }, since { year = 2024, month = 1, day = 1, hour = 0, isdst = true }, since { year = 2024, month = 1, day = 1, hour = 0, isdst = false })
print(type(os.time()), os.time() - os.time(os.date('*t')) < 2, os.difftime(10, 4), type(os.clock()), os.getenv('NO_SUCH_VARIABLE'), os.getenv('PATH') ~= nil)
print(os.rename('/nope/a', '/nope/b'))
print(os.remove('/nope/a'))
local name = os.tmpname()
print(name:match('^/tmp/lua_%w%w%w%w%w%w$') ~= nil, os.rename(name, name .. 'x'), os.remove(name .. 'x'), (os.remove(name)))
print(os.setlocale(), os.setlocale('C'), os.setlocale('xx_YY'), os.setlocale(nil, 'all'))
try(os.time, { year = 2000 })
try(os.time, 1)
try(os.date, '*t', 'x')
try(os.getenv)
try(os.difftime)
try(os.setlocale, 'C', 'bad')
try(os.remove)
try(os.rename, 'x')
