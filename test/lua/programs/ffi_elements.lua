-- Elements of arrays and behind pointers, used often enough that compiled code gets at them itself.
local ffi = require('ffi')
local values = {
  1.5, -1.5, 127, 128, 255, 256, -1, -129, 65535, 65536, 70000.7, 2 ^ 31 - 1, -2 ^ 31, 0.1, 1e-320, -0.5,
}
for _, name in ipairs { 'int8_t', 'uint8_t', 'int16_t', 'uint16_t', 'int32_t', 'uint32_t', 'float', 'double' } do
  local a = ffi.new(name .. '[?]', 20)
  local p = ffi.cast(name .. ' *', a)
  local middle = p + 10
  local out = {}
  for round = 1, 3 do
    for i, v in ipairs(values) do
      a[3] = v
      p[i] = v
      middle[-10] = v
      out[#out + 1] = string.format('%.14g', a[3]) .. (a[0] == a[3] and '' or '!') .. (p[i] == middle[i - 10] and '' or '?')
    end
  end
  print(name, table.concat(out, ' '))
end

-- What is not a number, and positions that are not whole.
local d = ffi.new('double[8]')
local n = ffi.new('int32_t[8]')
local function store(a, i, v) a[i] = v return a[i] end
for i = 1, 20 do store(d, i % 8, i) store(n, i % 8, i) end
for _, v in ipairs { true, 'x', '12', {}, print, ffi.new('int', 7), 12LL, 3ULL } do
  print(type(v), pcall(store, d, 1, v))
  print(type(v), pcall(store, n, 1, v))
end
print(pcall(store, d, 1, nil))
print(store(d, 1.9, 5), d[1], d[1.2], store(n, 2.5, 7), n[2])
print(pcall(store, d, 'x', 1))
print(pcall(store, d, true, 1))
print(pcall(store, d, nil, 1))
print(store(d, 3LL, 4), d[3], d[ffi.new('int', 3)])
print(pcall(function() return #d end))
print(pcall(function() return d.x end))
for i = 1, 10 do local _ = pcall(function() return d[i % 8] end) end
print(pcall(function() d[#d + 1] = 1 end))

-- Constant ones, booleans, nested arrays, structs, 64 bits.
local c = ffi.new('const int[4]', 1, 2, 3, 4)
local s = 0
for round = 1, 5 do for i = 0, 3 do s = s + c[i] end end
print(s, pcall(store, c, 0, 1))
local cp = ffi.cast('const double *', d)
for i = 1, 20 do s = s + cp[i % 8] end
print(s, pcall(store, cp, 0, 1))
local b = ffi.new('bool[8]')
for i = 1, 30 do b[i % 8] = i % 3 == 0 end
print(b[0], b[1], b[2], pcall(store, b, 1, 1))
local m = ffi.new('double[4][5]')
for i = 1, 40 do for y = 0, 3 do local row = m[y] for x = 0, 4 do row[x] = row[x] + x * y + i end end end
print(m[3][4], m[0][0], m[2][1])
local l = ffi.new('int64_t[4]')
for i = 1, 20 do l[i % 4] = i end
print(l[0], l[1], type(l[2]))
ffi.cdef('typedef struct { char c; double d[6]; uint8_t b[3]; } elements_t; #pragma pack(push, 1)\ntypedef struct { char c; double d[6]; } elements_packed_t;\n#pragma pack(pop)')
local t, tp = ffi.new('elements_t[3]'), ffi.new('elements_packed_t[3]')
for i = 0, 2 do
  local e, b, f = t[i].d, t[i].b, tp[i].d
  for j = 0, 5 do e[j] = i * 10 + j f[j] = i * 20 + j end
  for j = 0, 2 do b[j] = 254 + j + i end
  for j = 0, 5 do e[j] = e[j] + 0.5 f[j] = f[j] + 0.25 end
  for j = 0, 2 do b[j] = b[j] + 1 end
end
print(t[0].d[5], t[2].d[0], t[1].d[3], t[0].b[0], t[2].b[2], tp[0].d[5], tp[2].d[0])
local text = ffi.cast('const char *', 'some bytes')
s = 0
for i = 0, 9 do s = s + text[i] end
print(s)

-- The same place for tables and cdata.
local function sum(x, from, to) local r = 0 for i = from, to do r = r + x[i] x[i] = r end return r end
for round = 1, 20 do
  local list = { 1, 2, 3, 4, 5, 6, 7 }
  for i = 0, 7 do d[i], n[i] = i, i end
  s = sum(list, 1, 7) + sum(d, 1, 7) * 100 + sum(n, 1, 7) * 10000
end
print(s, d[7], n[7])
local cells = ffi.new('int[1]')
for i = 1, 20 do cells[0] = cells[0] + i end
print(cells[0])
