-- Values of different types converted to C types by ffi.new and ffi.cast.
local ffi = require 'ffi'
ffi.cdef [[
enum cv_e { CV0, CV1, CV5 = 5 }; enum cv_n { CVM = -3 };
typedef struct cv_s { int x; double y; } cv_s;
typedef union cv_u { int i; float f; uint8_t b[4]; } cv_u;
struct cv_i;
int abs(int);
]]
local types = {
  'int8_t', 'uint16_t', 'int32_t', 'int64_t', 'float', 'bool', 'enum cv_e', 'enum cv_n', 'int *', 'const void *',
  'const char *', 'int **', 'cv_s', 'cv_s *', 'cv_u', 'int[3]', 'char[4]', 'complex', 'int (*)(int)', 'struct cv_i *',
  'const int', 'long double', 'void', 'int[]',
}
local array, s = ffi.new('int[3]', 1, 2, 3), ffi.new('cv_s', 7, 8.5)
local values = {
  { 'nil', nil }, { 'true', true }, { '-1.5', -1.5 }, { '200', 200 }, { '70000', 70000 }, { '2^32+5', 2 ^ 32 + 5 },
  { '"CV1"', 'CV1' }, { '{}', {} }, { '{1,2}', { 1, 2 } }, { '{x=3,y=4}', { x = 3, y = 4 } }, { '5 items', { 1, 2, 3, 4, 5 } },
  { '{"a"}', { 'a' } }, { '{[0]=9,8}', { [0] = 9, 8 } }, { '-1LL', -1LL }, { '300ULL', 300ULL }, { '3i', 3i },
  { 'u8', ffi.new('uint8_t', 250) }, { 'bool', ffi.new('bool', true) }, { 'enum', ffi.new('enum cv_n', 'CVM') },
  { 'array', array }, { 'struct', s }, { 'pointer', array + 0 }, { 'const struct *', ffi.cast('const cv_s *', s) },
  { 'null', ffi.cast('int *', nil) }, { 'function', ffi.C.abs }, { 'int[2][3]', ffi.new('int[2][3]') },
}

local function show(t, v)
  local text = tostring(v):gsub(': 0x%x+', ''):gsub('cdata', '')
  if t:find '%[' or t:find '^cv_.$' then
    local p, bytes = ffi.cast('uint8_t *', v), {}
    for i = 0, math.min(ffi.sizeof(v), 16) - 1 do bytes[#bytes + 1] = ('%02x'):format(p[i]) end
    return text .. ' ' .. table.concat(bytes)
  end
  local n = tonumber(v)
  return n and text .. ' ' .. n or text
end

for _, t in ipairs(types) do
  for _, v in ipairs(values) do
    local line = {}
    for _, f in ipairs { 'new', 'cast' } do
      local ok, r = pcall(ffi[f], t, v[2])
      local isAddress = f == 'cast' and ok and not t:find '[%*%(]' and type(v[2]) ~= 'number' and not tonumber(v[2])
      local isPadded = f == 'new' and ok and t == 'char[4]' and type(v[2]) == 'string'
      line[#line + 1] = isAddress and 'address' or isPadded and ffi.string(r) or ok and show(t, r)
        or tostring(r):gsub('bad argument.- %(', '(')
    end
    print(t, v[1], table.concat(line, ' | '))
  end
  for _, pair in ipairs { { 1, 2 }, { 'a', 'b' }, { s, s }, { { 1 }, { 2 } }, { nil, 5 } } do
    local ok, r = pcall(ffi.new, t, pair[1], pair[2])
    print(t, 'two', ok and show(t, r) or (tostring(r):gsub('bad argument.- %(', '(')))
  end
end
