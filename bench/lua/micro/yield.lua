-- A yield and the resume behind it, by the number of Lua functions between them: nanoseconds of one pair.

local create, resume, yield = coroutine.create, coroutine.resume, coroutine.yield
local N = 20000

-- Below `depth` calls: a loop that yields in its own body, so that the functions above stay parked.
local function parked(depth)
  local function down(n)
    if n > 1 then
      local r = down(n - 1)
      return r
    end
    for i = 1, N do yield(i) end
    return 0
  end
  return { N, function()
    local co, sum = create(down), 0
    resume(co, depth)
    for _ = 2, N do
      local _, v = resume(co)
      sum = sum + v
    end
    return sum
  end }
end

-- Every yield is reached by `depth` calls and left through as many returns.
local function fresh(depth)
  local function down(n)
    if n > 1 then
      local r = down(n - 1)
      return r
    end
    yield(1)
    return 1
  end
  local function main()
    for _ = 1, N do down(depth) end
  end
  return { N, function()
    local co, sum = create(main), 0
    for _ = 1, N do
      local _, v = resume(co)
      sum = sum + v
    end
    return sum
  end }
end

local function wrapped()
  return { N, function()
    local sum = 0
    for v in coroutine.wrap(function() for i = 1, N do yield(i) end end) do sum = sum + v end
    return sum
  end }
end

local function created()
  return { N, function()
    local sum = 0
    for i = 1, N do
      local _, v = resume(create(function(a) return a + 1 end), i)
      sum = sum + v
    end
    return sum
  end }
end

return {
  ['called, 1 deep'] = fresh(1),
  ['called, 20 deep'] = fresh(20),
  ['parked 1'] = parked(1),
  ['parked 10'] = parked(10),
  ['parked 50'] = parked(50),
  ['parked 200'] = parked(200),
  ['wrap as an iterator'] = wrapped(),
  ['create and finish'] = created(),
}
