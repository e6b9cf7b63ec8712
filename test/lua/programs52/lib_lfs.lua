-- lfs: files and directories below a fresh one. The output is that of LuaFileSystem 1.8 in LuaJIT.
local lfs = require 'lfs'
local start = lfs.currentdir()
local base = os.tmpname()
os.remove(base)
local function out(...)
  local t = { n = select('#', ...), ... }
  for i = 1, t.n do t[i] = tostring(t[i]):gsub('0x%x+', ''):gsub(base, 'BASE', nil) end
  print(table.concat(t, '\t', 1, t.n))
end
local function fails(f, ...) out(pcall(f, ...)) end
local function names(path)
  local t = {}
  for name in lfs.dir(path) do t[#t + 1] = name end
  table.sort(t)
  return table.concat(t, ' ')
end
local function write(path, text)
  local f = assert(io.open(path, 'w'))
  f:write(text)
  f:close()
end

out(lfs._VERSION, type(lfs._DESCRIPTION))
out(lfs.mkdir(base), lfs.mkdir(base))
out(lfs.chdir(base), lfs.currentdir():sub(-#base) == base)
write('file', 'hello')
out(lfs.mkdir 'd', lfs.mkdir 'no/d')
out(names '.', names 'd')

-- attributes
local a = lfs.attributes 'file'
local keys = {}
for k, v in pairs(a) do keys[#keys + 1] = k .. ':' .. type(v) end
table.sort(keys)
out(table.concat(keys, ' '))
out(a.mode, a.size, a.nlink, a.permissions, lfs.attributes('d', 'mode'), lfs.attributes('/dev/null', 'mode'), lfs.attributes('d').permissions)
local reused = { mark = 1 }
out(lfs.attributes('file', reused) == reused, reused.mark, reused.size, reused.target)
out(type(lfs.attributes('file', true)), lfs.attributes('file', 'size', 'more'))
out(math.abs(a.modification - os.time()) < 100, a.access >= a.modification - 1, a.ino == lfs.attributes('file', 'ino'))
out(lfs.attributes 'none')
out(lfs.attributes('none', 'bad'))
fails(lfs.attributes) fails(lfs.attributes, 'file', 'bad') fails(lfs.attributes, 'file', 5) fails(lfs.attributes, {})

-- touch
out(lfs.touch('file', 1000000000), lfs.attributes('file', 'access'), lfs.attributes('file', 'modification'))
out(lfs.touch('file', 1000000000.9, 1100000000.2), lfs.attributes('file', 'access'), lfs.attributes('file', 'modification'))
out(lfs.touch('file', nil), lfs.attributes('file', 'access'))
out(lfs.touch 'file', os.time() - lfs.attributes('file', 'modification') < 100)
out(lfs.touch 'none')
fails(lfs.touch) fails(lfs.touch, 'file', 'x')

-- links
out(lfs.link('file', 'hard'), lfs.attributes('hard', 'nlink'), lfs.link('none', 'x'))
out(lfs.link('file', 'soft', true), lfs.attributes('soft', 'mode'), lfs.symlinkattributes('soft', 'mode'), lfs.symlinkattributes 'soft'.target)
out(lfs.symlinkattributes('soft', 'target'), lfs.symlinkattributes('file').target, lfs.symlinkattributes('soft').size)
out(lfs.symlinkattributes('file', 'target'))
out(lfs.symlinkattributes 'none')
out(lfs.link('none', 'dangling', true), lfs.attributes 'dangling', (lfs.symlinkattributes('dangling', 'mode')))
out(lfs.link('file', 'soft', true))
fails(lfs.link, 'file')

-- directories
out(names '.', select('#', lfs.dir '.'))
local iterate, dir = lfs.dir 'd'
out(type(iterate), (tostring(dir):gsub(':.*', '')))
local seen = { dir:next(), iterate(dir) }
table.sort(seen)
out(seen[1], seen[2], dir:next())
fails(dir.next, dir)
local _, other = lfs.dir 'd'
out(other:close(), other:close())
fails(other.next, other) fails(iterate) fails(lfs.dir) fails(lfs.dir, 'none') fails(lfs.dir, 'file')
out(lfs.rmdir 'd', lfs.rmdir 'd', lfs.rmdir 'file')
out(lfs.chdir 'none')
out(lfs.chdir 'file')
fails(lfs.chdir)

-- locks
local lock = lfs.lock_dir '.'
out((tostring(lock):gsub(':.*', '')), lfs.symlinkattributes('lockfile.lfs', 'target'), lfs.lock_dir '.')
out(lock:free())
out(lock:free())
out(lfs.attributes('lockfile.lfs', 'mode') == nil, lfs.lock_dir 'none')
local f = io.open('file', 'r+')
out(lfs.lock(f, 'r'), lfs.lock(f, 'w'), lfs.lock(f, 'w', 2, 3), lfs.unlock(f), lfs.unlock(f, 1, 2))
fails(lfs.lock, f) fails(lfs.lock, f, 'x') fails(lfs.lock, 'file', 'r')
out(lfs.setmode(f, 'text'))
out(lfs.setmode(f, 'binary'))
fails(lfs.setmode, f, 'x') fails(lfs.setmode, f)
f:close()
fails(lfs.lock, f, 'r') fails(lfs.unlock, f) fails(lfs.setmode, f, 'text')
local input = io.open 'file'
out(lfs.lock(input, 'w'))
input:close()

write('n\255\195\169', '')
out(names '.', lfs.attributes('n\255\195\169', 'mode'))
for name in lfs.dir '.' do if name ~= '.' and name ~= '..' then assert(os.remove(name)) end end
out(lfs.chdir(start), lfs.currentdir() == start, lfs.rmdir(base), lfs.attributes(base, 'mode'))
