-- Lines with code.
local function show(f)
  local lines = {}
  for line in pairs(debug.getinfo(f, 'L').activelines) do lines[#lines + 1] = line end
  table.sort(lines)
  print(table.concat(lines, ' '))
end

local function f(a)
  local b

  if a then
    b = 1
  else
    b = f(
      2)
  end
  -- nothing
  for i = 1, 10 do
    print(i)
  end
  local function inner()
    return 1
  end
  return b
end
show(f)
show(function() end)
show(function(t)
  while t do
    t.x =
      t.y + 1
    break
  end

end)
local info = debug.getinfo(f)
print(info.nups, info.nparams, info.isvararg, info.what, info.linedefined, info.lastlinedefined, info.short_src, info.func == f)
local native = debug.getinfo(print)
print(native.what, native.short_src, native.source, native.linedefined, native.currentline, native.isvararg, native.nparams)
