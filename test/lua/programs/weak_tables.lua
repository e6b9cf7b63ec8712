-- Weak tables behave like others as long as their objects live.
local function sorted(t)
  local list = {}
  for k, v in pairs(t) do
    list[#list + 1] = (type(k) == 'table' and k.name or tostring(k)) .. '=' .. (type(v) == 'table' and v.name or tostring(v))
  end
  table.sort(list)
  return table.concat(list, ' ')
end
local a, b, c = { name = 'a' }, { name = 'b' }, { name = 'c' }
for _, mode in ipairs { 'k', 'v', 'kv', '' } do
  local t = setmetatable({ x = a, 10, 20 }, { __mode = mode })
  t[a] = 1 t[b] = c t.y = b t[3] = 30 t[true] = a t.get = c t.n = 5
  t['dyn' .. 'amic'] = 'd'
  print(mode, #t, t[a], t[b].name, t.y.name, t.x.name, t[true].name, t.get.name, t.dynamic, t[c], t.none)
  print(sorted(t))
  t[a] = nil t.x = nil t.n = nil t.y = c t[true] = nil
  print(t[a], t.x, rawget(t, 'y').name, next(t) ~= nil, sorted(t))
  for k in pairs(t) do t[k] = nil end
  print(next(t), #t, sorted(t))
  table.insert(t, a) table.insert(t, b) t.x = 1 t[b] = 2
  print(#t, t[1].name, t[2].name, table.remove(t).name, #t, t.x, t[b])
  for i = 1, 100 do t[{}] = i t['k' .. i] = {} t['s' .. i] = i end
  local n = 0
  for i = 1, 100 do n = n + t['s' .. i] end
  print(n, t[b])
end
local m = { __mode = 'k', __index = function(_, k) return k end }
local t = setmetatable({}, m)
print(t.foo, t[1], rawget(t, 'foo'))
t[a] = a
print(t[a] == a)
