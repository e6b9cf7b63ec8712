-- Environments of natives and userdata.
local env = {}
print(debug.setfenv(print, env) == print, debug.getfenv(print) == env, pcall(setfenv, print, {}))
print(getfenv(print) == _G, debug.getfenv(debug.getfenv) == _G)
local u = newproxy()
print(debug.getfenv(u) == _G, debug.setfenv(u, env) == u, debug.getfenv(u) == env)
print(debug.getfenv(1), debug.getfenv({}), pcall(debug.getfenv, nil), (select(2, pcall(debug.setfenv, 1, {}))))
print(select('#', pcall(debug.getfenv)), pcall(debug.getfenv) == false)
debug.setfenv(print, _G)

-- Readers may give numbers.
local i = 0
print(load(function()
  i = i + 1
  return i == 1 and 'return ' or i == 2 and 25 or nil
end)())
i = 0
print((select(2, coroutine.wrap(function()
  return load(function()
    i = i + 1
    return i == 1 and 'return ' or {}
  end)
end)())))

-- next with keys that are not there.
print(pcall(next, {}, 1))
print(pcall(next, { a = 1 }, 'x'))
print(pcall(next, { 1, 2, 3 }, -1))
print(pcall(next, { 1, 2, 3 }, 1.5))
print(pcall(next, { 1, 2, 3 }, 0))
print(pcall(next, { 1, 2, 3 }, 3))
print(pcall(next, { 1 }, {}))

-- Steps come to an end, a large one at once.
local n = 0
repeat n = n + 1 until collectgarbage('step')
print(n > 10, collectgarbage('step', 1000000))
