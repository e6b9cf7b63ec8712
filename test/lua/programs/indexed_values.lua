local function f() end
local vals = {f, "str", 5, true, false, coroutine.create(f), io.stdout, print, 0/0}
local keys = {}
for i = 1, #vals do
  local v = vals[i]
  print(i, pcall(function() return v.arguments end))
  print(i, pcall(function() return v.caller end))
  print(i, pcall(function() return v.length end))
  print(i, pcall(function() return v.name end))
  print(i, pcall(function() return v.prototype end))
  print(i, pcall(function() return v.constructor end))
  print(i, pcall(function() return v.toString end))
  print(i, pcall(function() return v.apply end))
  print(i, pcall(function() return v:call() end))
  print(i, pcall(function() return v:arguments() end))
  print(i, pcall(function() return v:replace() end))
  print(i, pcall(function() return v.__proto__ end))
  print(i, pcall(function() v.arguments = 1 end))
  print(i, pcall(function() v.caller = 1 end))
  print(i, pcall(function() v.length = 1 end))
  print(i, pcall(function() v.name = 1 end))
  print(i, pcall(function() return v[1] end))
  print(i, pcall(function() v[1] = 2 end))
  print(i, pcall(function() v[#keys + 1] = 2 end))
  print(i, pcall(function() return #v end))
end
