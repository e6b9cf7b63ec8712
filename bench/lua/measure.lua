-- Measures one program and writes one line of JSON behind "@bench ". Runs in every Lua that is compared, 5.1 to 5.4,
-- so that all of them do the same between two looks at the clock.
--
--   measure.lua SUITE DIR NAME PARAM SECONDS
--
-- own: DIR/NAME.lua returns the function to call. micro: DIR/NAME.lua returns a table of { calls, function } by PARAM.
-- awfy: the module NAME of are-we-fast-yet, PARAM inner iterations. softdev: benchmarks/NAME/bench.lua, run_iter(PARAM).
-- A host may define bench_clock (seconds of CPU) and bench_memory (resident bytes).

local suite, dir, name, param, seconds = arg[1], arg[2], arg[3], arg[4], tonumber(arg[5])
local clock = bench_clock or os.clock
local MIN_CALLS, MAX_CALLS = 8, 5000

local function resident()
  if bench_memory then return bench_memory() end
  local file = io.open('/proc/self/statm')
  if not file then return 0 end
  local pages = string.match(file:read('*a'), '%d+ (%d+)')
  file:close()
  return pages * 4096
end

local start = clock()
local body, count = nil, 1
if suite == 'own' then
  body = dofile(dir .. '/' .. name .. '.lua')
elseif suite == 'micro' then
  local case = assert(dofile(dir .. '/' .. name .. '.lua')[param], 'no such case')
  count, body = case[1], case[2]
elseif suite == 'awfy' then
  package.path = dir .. '/?.lua;' .. package.path
  local benchmark, inner = require(string.lower(name)), tonumber(param)
  body = function()
    if not benchmark:inner_benchmark_loop(inner) then error('wrong result') end
    return 'verified'
  end
else
  local devnull = io.open('/dev/null', 'w')
  io.write_devnull = function(...) return devnull:write(...) end
  local paths = { dir .. '/benchmarks/' .. name .. '/?.lua', dir .. '/lualibs/?.lua', dir .. '/lualibs/?/init.lua' }
  package.path = table.concat(paths, ';') .. ';' .. package.path
  dofile(dir .. '/benchmarks/' .. name .. '/bench.lua')
  local n = tonumber(param)
  body = function() run_iter(n) return 'done' end
end

local result = body()
local first = clock() - start
local times, spent = {}, 0
while (spent < seconds or #times < MIN_CALLS and spent < 4 * seconds) and #times < MAX_CALLS do
  local t = clock()
  body()
  t = clock() - t
  spent = spent + t
  times[#times + 1] = t
end
-- The second half: what the first calls bring is in them.
local late = {}
for i = math.floor(#times / 2) + 1, #times do late[#late + 1] = times[i] end
table.sort(late)
local median = late[math.floor((#late + 1) / 2)]
print(string.format('@bench {"first":%.12f,"steady":%.12f,"best":%.12f,"calls":%d,"memory":%.0f,"result":"%s"}',
  first / count, median / count, late[1] / count, #times, resident(), tostring(result)))
