-- Runs programs and returns what they show, the same way in LuaJIT and in the engine under test. Each program runs in
-- a coroutine with an environment of its own; whatever it yields is shown and answered with numbers.
local MAX_OUTPUT = 6000
local load, type, select = load, type, select
local format, concat, sort, gsub, byte, sub = string.format, table.concat, table.sort, string.gsub, string.byte, string.sub
local create, resume, status = coroutine.create, coroutine.resume, coroutine.status
local tostring, error, next, rawget = tostring, error, next, rawget

local function escape(c) return format("\\%03d", byte(c)) end

local function rawpairs(t) return next, t, nil end

local show
local function key(v)
  local t = type(v)
  if t == "number" then return format("0%24.10f", v) end
  return t .. show(v, 9)
end

function show(v, depth)
  local t = type(v)
  if t == "string" then return '"' .. gsub(v, '[%c\128-\255"\\]', escape) .. '"' end
  if t == "number" then return v ~= v and "nan" or format("%.17g", v) end
  if t == "table" then
    if depth > 3 then return "{...}" end
    local keys, o = {}, {}
    for k in rawpairs(v) do keys[#keys + 1] = { key(k), k } end
    sort(keys, function(a, b) return a[1] < b[1] end)
    for i = 1, #keys do
      local k = keys[i][2]
      o[i] = "[" .. show(k, depth + 1) .. "]=" .. show(rawget(v, k), depth + 1)
      if i > 40 then break end
    end
    return "{" .. concat(o, ",") .. "}"
  end
  if t == "nil" or t == "boolean" then return tostring(v) end
  return t
end

local out, size = {}, 0
local function line(what, ...)
  if size > MAX_OUTPUT then return end
  local o = {}
  for i = 1, select("#", ...) do o[i] = show((select(i, ...)), 0) end
  local text = what .. concat(o, " ")
  size = size + #text
  out[#out + 1] = text
end

local fuel
--- What programs see: everything of the libraries that gives the same everywhere.
local function environment()
  local env = {}
  for _, name in rawpairs({ "assert", "error", "getfenv", "getmetatable", "ipairs", "load", "loadstring", "next", "pairs", "pcall",
    "rawequal", "rawget", "rawset", "select", "setfenv", "setmetatable", "tonumber", "tostring", "type", "unpack", "xpcall" }) do
    env[name] = _G[name]
  end
  for _, name in rawpairs({ "string", "table", "math", "bit", "coroutine" }) do
    local copy = {}
    for k, v in rawpairs(_G[name]) do copy[k] = v end
    env[name] = copy
  end
  env._G = env
  env.yield = coroutine.yield
  env.P = function(...) line("", ...) end
  -- Shows a value and gives it back: makes the order of evaluation visible.
  env.T = function(name, ...) line(name .. " ", ...) return ... end
  -- Ends loops and recursion.
  env.F = function()
    fuel = fuel - 1
    if fuel < 0 then error("no fuel", 0) end
    return true
  end
  local info = debug.getinfo
  -- Keeps strings short.
  env.C = function(s)
    if type(s) == "string" and #s > 100 then return sub(s, 1, 100) end
    return s
  end
  env.L = function() return info(2, "l").currentline end
  return env
end

local function ended(co, ok, ...)
  if not ok then line("error: ", ...) return false end
  if status(co) == "dead" then line("returned: ", ...) return false end
  line("yielded: ", ...)
  return true
end

return function(source)
  out, size, fuel = {}, 0, 120
  local f, message = load(source, "=p", "t", environment())
  if not f then return "syntax error: " .. message end
  local co = create(f)
  local n = 0
  while ended(co, resume(co, n + 1, "r")) do
    n = n + 1
    if n > 60 then line("too many yields") break end
  end
  return concat(out, "\n")
end
