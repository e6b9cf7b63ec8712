-- Every operator with pairs of values of different types.
local ffi = require 'ffi'
ffi.cdef [[
enum op_e { OP0, OP1, OP5 = 5 };
typedef struct { int x; double y; } op_s;
int abs(int);
]]

local array = ffi.new('int[8]', 1, 2, 3)
local Meta = ffi.metatype('struct { int v; }', {
  __add = function() return 'add' end,
  __unm = function() return 'unm' end,
  __lt = function() return true end,
  __eq = function() return true end,
  __concat = function() return 'concat' end,
  __len = function() return 42 end,
  __call = function(_, ...) return 'call ' .. select('#', ...) end,
  __index = function(_, k) return k end,
  __pairs = function() return next, { a = 1 } end,
})
local values = {
  { 'nil', nil }, { 'true', true }, { '1.5', 1.5 }, { '"OP1"', 'OP1' }, { '"x"', 'x' }, { '-7LL', -7LL },
  { 'max', 9223372036854775807LL }, { '3ULL', 3ULL }, { 'u32', ffi.new('uint32_t', 4e9) }, { '3i', 3i },
  { 'enum', ffi.new('enum op_e', 'OP5') }, { 'array', array }, { 'struct', ffi.new('op_s', 7, 8.5) },
  { 'ptr', array + 2 }, { 'cptr', ffi.cast('const int *', array) }, { 'void', ffi.cast('void *', array) },
  { 'func', ffi.C.abs }, { 'meta', Meta(1) }, { 'meta *', ffi.cast(ffi.typeof('$ *', Meta), Meta(2)) },
}

local base = tonumber(ffi.cast('intptr_t', array))

local function show(v)
  if type(v) ~= 'cdata' then return tostring(v) end
  local text = tostring(v):gsub('struct %d+', 'struct #')
  if not text:find 'int %*' then return (text:gsub(': 0x%x+', '')) end
  return (text:gsub(': 0x(%x+)', function(h)
    local d = tonumber(h, 16) - base
    return d > -64 and d < 64 and ' + ' .. d or ''
  end))
end

local function message(e)
  return (e:gsub('^.-:%d+: ', ''):gsub('bad argument.- %(', 'bad argument ('):gsub('struct %d+', 'struct #'))
end

for _, op in ipairs { '+', '-', '*', '/', '%', '^', '..', '==', '<', '<=' } do
  local f = loadstring('local a, b = ... local r = a ' .. op .. ' b return r')
  for _, a in ipairs(values) do
    local line = {}
    for _, b in ipairs(values) do
      if type(a[2]) == 'cdata' or type(b[2]) == 'cdata' then
        local ok, r = pcall(f, a[2], b[2])
        -- Messages of failing arithmetic are all alike: '+' shows them.
        line[#line + 1] = ok and show(r) or (op == '+' or op == '<') and message(r) or '-'
      end
    end
    print(a[1] .. ' ' .. op, table.concat(line, ' | '))
  end
end

for _, text in ipairs {
  'return -x', 'return #x', 'return x(1, 2)', 'return x.x', 'return x.nosuch', 'return x[1.7]', 'return x[2LL]',
  'return x.re', 'x.x = 1', 'x[0] = 1', 'x.nosuch = 1', 'return tonumber(x)', 'for k, v in pairs(x) do return v end',
  'return bit.tobit(x)', 'return bit.bnot(x)', 'return bit.lshift(x, 3)', 'return bit.rol(x, 5)', 'return bit.tohex(x)',
  'return bit.bswap(x)', 'return bit.band(x, 255)', 'return bit.bor(1, x)', 'return bit.arshift(x, 1LL)',
  'return ("%d"):format(x)', 'return ("%x"):format(x)', 'local t = {} t[x] = 1 return t[x]',
} do
  local f = loadstring('local x = ... local r = (function() ' .. text .. ' end)() return r')
  local line = {}
  for _, a in ipairs(values) do
    if type(a[2]) == 'cdata' then
      local ok, r = pcall(f, a[2])
      line[#line + 1] = ok and show(r) or message(r)
    end
  end
  print(text, table.concat(line, ' | '))
end
