-- What the workers of the API soak do. Every handler returns what happened, in a few words; a broken promise of the
-- API is an answer that begins with "WRONG". Handlers may be ended anywhere: by a client that left (where the location
-- has lua_check_client_abort on) or by a killed worker.
local semaphore = require "ngx.semaphore"
local pipe = require "ngx.pipe"

local counts, lists, locks = ngx.shared.counts, ngx.shared.lists, ngx.shared.locks
local random, format = math.random, string.format
local has_lock, resty_lock = pcall(require, "resty.lock")

local _M = {}
local ports
-- Threads and handlers that were begun and have not been collected.
local begun = setmetatable({}, { __mode = "k" })
local places = semaphore.new(5)
local inside = 0

local function wrong(...)
    local text = "WRONG " .. format(...)
    ngx.log(ngx.ALERT, text)
    return text
end

local function track()
    begun[coroutine.running()] = true
end

local function spawn(f, ...)
    return ngx.thread.spawn(function(...)
        track()
        return f(...)
    end, ...)
end

-- Thousands of operations, so that a kill often comes while this worker holds the zone's lock.
function _M.dict(mark)
    for i = 1, 300 do
        counts:incr("a", 1, 0)
        counts:incr("b", 1, 0)
        local key, value = "k" .. random(500), mark .. ":" .. i
        counts:set(key, value, 5)
        local got = counts:get(key)
        -- Another worker may have written it meanwhile, but only whole values.
        if got ~= nil and not got:find("^m%w+x:%d+$") then return wrong("dict %s: %s", key, got) end
    end
    local own = "own:" .. mark
    if not counts:add(own, mark, 30) then return wrong("add %s", own) end
    if counts:add(own, "x") then return wrong("added twice %s", own) end
    if counts:get(own) ~= mark then return wrong("get %s", own) end
    counts:delete(own)
    if counts:get(own) ~= nil then return wrong("deleted %s", own) end
    return "ok"
end

-- Pushed and popped items are counted after the operation: a kill between the two is one off.
function _M.list(mark)
    local key = "list" .. random(4)
    for i = 1, 20 do
        local push = random(2) == 1 and lists.lpush or lists.rpush
        local n, err = push(lists, key, mark .. ":" .. i)
        if not n then return wrong("push: %s", err) end
        counts:incr("pushed", 1, 0)
        local pop = random(2) == 1 and lists.lpop or lists.rpop
        local item = pop(lists, key)
        if item ~= nil then
            counts:incr("popped", 1, 0)
            if not item:find("^m%w+x:%d+$") then return wrong("popped %s", item) end
        end
    end
    return "ok"
end

-- lua-resty-lock's way, for when that is not given: add() says who was first, and expiry frees what a dead one held.
local function plain_lock(key)
    local step, waited = 0.001, 0
    while not locks:add(key, true, 2) do
        if waited > 8 then return nil, "timeout" end
        ngx.sleep(step)
        waited = waited + step
        step = math.min(step * 2, 0.5)
    end
    return true
end

function _M.lock(mark)
    local key = "lock" .. random(6)
    local lock
    if has_lock then
        lock = assert(resty_lock:new("locks", { exptime = 2, timeout = 8 }))
        local waited, err = lock:lock(key)
        if not waited then return err == "timeout" and "timeout" or wrong("lock: %s", err) end
    else
        local ok, err = plain_lock(key)
        if not ok then return err end
    end
    local began = ngx.now()
    counts:set("owner:" .. key, mark)
    ngx.sleep(random(20) / 1000)
    ngx.update_time()
    local owner, slow = counts:get("owner:" .. key), ngx.now() - began > 1.9
    if lock then lock:unlock() elseif not slow then locks:delete(key) end
    if owner ~= mark and not slow then return wrong("two in %s: %s and %s", key, mark, owner) end
    return slow and "expired" or "ok"
end

function _M.threads(mark)
    local n = random(2, 6)
    local running = {}
    for i = 1, n do
        running[i] = spawn(function(word)
            ngx.sleep(random(30) / 1000)
            return word, i
        end, mark .. i)
    end
    local ok, word, i = ngx.thread.wait(unpack(running))
    if not ok or word ~= mark .. i then return wrong("wait any: %s, %s", tostring(ok), tostring(word)) end
    table.remove(running, i)
    for _, thread in ipairs(running) do
        if random(3) == 1 then
            local killed, err = ngx.thread.kill(thread)
            if not killed and err ~= "already terminated" then return wrong("kill: %s", err) end
        else
            local good, text = ngx.thread.wait(thread)
            if not good or text:sub(1, #mark) ~= mark then return wrong("wait: %s", tostring(text)) end
        end
    end
    local failing = spawn(function() ngx.sleep(0.001) error("meant " .. mark, 0) end)
    local good, err = ngx.thread.wait(failing)
    if good or err ~= "meant " .. mark then return wrong("failing: %s, %s", tostring(good), tostring(err)) end
    -- A thread of a thread, and coroutines between them.
    local outer = spawn(function()
        local inner = spawn(function()
            local step = coroutine.wrap(function()
                for turn = 1, 3 do
                    ngx.sleep(0.001)
                    coroutine.yield(turn)
                end
            end)
            return step() + step() + step()
        end)
        local fine, sum = ngx.thread.wait(inner)
        return fine and sum
    end)
    local _, sum = ngx.thread.wait(outer)
    if sum ~= 6 then return wrong("nested: %s", tostring(sum)) end
    return "ok"
end

-- Threads that nobody waits for, one of which ends the request with them.
function _M.left(mark)
    spawn(function() ngx.sleep(5) end)
    spawn(function()
        ngx.sleep(random(20) / 1000)
        ngx.say(mark, " ok")
        ngx.exit(200)
    end)
    ngx.sleep(5)
    return wrong("went on after exit")
end

local function fired(premature, pid, set)
    track()
    if premature then counts:incr("premature", 1, 0) end
    ngx.sleep(random(10) / 1000)
    counts:incr("fired:" .. pid, set, 0)
end

function _M.timer()
    local pid = ngx.worker.pid()
    for _ = 1, random(3) do
        local ok, err = ngx.timer.at(random(0, 300) / 1000, fired, pid, 1)
        -- A reload, with this request on its way.
        if err == "process exiting" then return err end
        if not ok then return wrong("timer: %s", err) end
        counts:incr("set:" .. pid, 1, 0)
    end
    return "ok"
end

-- A permit is given back whatever happens: the location does not stop for clients that leave.
function _M.semaphore()
    local ok, err = places:wait(random(3) == 1 and 0.01 or 5)
    if not ok then return err == "timeout" and "timeout" or wrong("semaphore: %s", err) end
    inside = inside + 1
    local seen = inside
    ngx.sleep(random(10) / 1000)
    inside = inside - 1
    places:post()
    return seen > 5 and wrong("%d of 5 inside", seen) or "ok"
end

-- A timer posts what the request waits for.
function _M.post()
    local done, box = semaphore.new(), {}
    local set, why = ngx.timer.at(random(20) / 1000, function()
        box.value = 42
        done:post()
    end)
    if not set then return why == "process exiting" and why or wrong("timer: %s", why) end
    local ok, err = done:wait(5)
    if not ok then return wrong("posted: %s", err) end
    return box.value == 42 and "ok" or wrong("posted before")
end

local function dial(peer, pool, patience)
    local sock = ngx.socket.tcp()
    sock:settimeouts(5000, 5000, patience or 5000)
    local ok, err = sock:connect("127.0.0.1", ports[peer], pool)
    if not ok then return nil, err end
    return sock
end

-- A connection whose answer is somebody else's would be one that was kept with something left to read.
function _M.echo(mark)
    local sock, err = dial("echo", random(2) == 1 and { pool = "few", pool_size = 4, backlog = 100 } or nil)
    if not sock then return wrong("echo connect: %s", err) end
    local reused = sock:getreusedtimes() > 0
    for i = 1, random(3) do
        local sent = assert(sock:send({ mark, ":", i, "\n" }))
        if sent ~= #mark + 3 then return wrong("sent %d", sent) end
        local line
        local way = random(3)
        if way == 1 then
            line, err = sock:receive("*l")
        elseif way == 2 then
            line, err = sock:receive(#mark + 8)
            line = line and line:sub(1, -2)
        else
            line, err = sock:receiveuntil("\n")()
        end
        if line ~= "echo " .. mark .. ":" .. i then return wrong("echo: %s, %s", tostring(line), tostring(err)) end
    end
    local ok
    ok, err = sock:setkeepalive(1500, 8)
    if not ok then return wrong("setkeepalive: %s", err) end
    return reused and "reused" or "fresh"
end

-- This peer closes or resets what it keeps, at its own time.
function _M.fickle(mark)
    local sock, err = dial("fickle")
    if not sock then return wrong("fickle connect: %s", err) end
    local reused = sock:getreusedtimes() > 0
    local ok
    ok, err = sock:send(mark .. "\n")
    local line
    if ok then line, err = sock:receive() end
    if line == nil then
        if not reused then return wrong("fickle: %s", err) end
        return "closed meanwhile"
    end
    if line ~= "echo " .. mark then return wrong("fickle: %s", line) end
    sock:setkeepalive(1500, 8)
    return "ok"
end

-- Peers that do not answer, or not whole.
function _M.dying(mark)
    local peer = ({ "silent", "half", "reset", "slow", "refused" })[random(5)]
    local sock, err = dial(peer, nil, 60)
    if not sock then
        if peer == "refused" and err == "connection refused" then return "refused" end
        return wrong("%s connect: %s", peer, err)
    end
    assert(sock:send(mark .. "\n"))
    local line, partial
    line, err, partial = sock:receive()
    local whole = "echo " .. mark
    if line ~= nil then
        return peer == "slow" and line == whole and "ok" or wrong("%s said %s", peer, line)
    end
    if partial ~= whole:sub(1, #partial) then return wrong("%s partly said %s", peer, partial) end
    if err ~= "timeout" and not (peer == "reset" and (err == "closed" or err == "connection reset by peer")) then
        return wrong("%s: %s", peer, err)
    end
    -- What timed out can be read on; what else went wrong is closed.
    if peer == "slow" then
        sock:settimeout(5000)
        local rest
        rest, err = sock:receive()
        if not rest or partial .. rest ~= whole then
            return wrong("slow: %s and %s, %s", partial, tostring(rest), tostring(err))
        end
        sock:setkeepalive(1500, 8)
        return "slow ok"
    end
    if random(2) == 1 then sock:close() end
    return peer .. " " .. err
end

-- One thread writes and another reads; the peer reads slowly for the first.
function _M.duplex(mark)
    local sock, err = dial("echo")
    if not sock then return wrong("duplex connect: %s", err) end
    local lines = random(5, 50)
    local writer = spawn(function()
        for i = 1, lines do
            local ok, why = sock:send(mark .. ":" .. i .. "\n")
            if not ok then return why end
            if i % 7 == 0 then ngx.sleep(0.001) end
        end
    end)
    for i = 1, lines do
        local line
        line, err = sock:receive()
        if line ~= "echo " .. mark .. ":" .. i then return wrong("duplex: %s, %s", tostring(line), tostring(err)) end
    end
    local _, why = ngx.thread.wait(writer)
    if why then return wrong("duplex writer: %s", why) end
    sock:setkeepalive(1500, 8)
    return "ok"
end

-- Nobody reads: sending must time out.
function _M.deaf()
    local sock, err = dial("deaf")
    if not sock then return wrong("deaf connect: %s", err) end
    sock:settimeouts(5000, 60, 60)
    local ok
    ok, err = sock:send(string.rep("x", 8 * 1024 * 1024))
    if ok or err ~= "timeout" then return wrong("deaf: %s, %s", tostring(ok), tostring(err)) end
    return "timeout"
end

function _M.udp(mark)
    local sock = ngx.socket.udp()
    sock:settimeout(500)
    assert(sock:setpeername("127.0.0.1", ports.udp))
    assert(sock:send(mark))
    local data, err = sock:receive()
    if data == nil then return err == "timeout" and "lost" or wrong("udp: %s", err) end
    if data ~= "echo " .. mark then return wrong("udp: %s", data) end
    if random(2) == 1 then sock:close() end
    return "ok"
end

function _M.subrequests(mark)
    local one = ngx.location.capture("/inner/say", { args = { mark = mark }, ctx = { mark = mark } })
    if one.status ~= 200 or one.body ~= mark .. "\n" then return wrong("capture: %d %s", one.status, one.body) end
    local many = {}
    for i = 1, random(2, 5) do
        many[i] = { i % 2 == 0 and "/inner/say" or "/inner/nested", { args = { mark = mark .. i } } }
    end
    local got = { ngx.location.capture_multi(many) }
    if #got ~= #many then return wrong("capture_multi: %d of %d", #got, #many) end
    for i, answer in ipairs(got) do
        if answer.status ~= 200 or answer.body ~= mark .. i .. "\n" then
            return wrong("capture_multi: %d %s", answer.status, answer.body)
        end
    end
    return "ok"
end

function _M.inner()
    ngx.sleep(random(0, 10) / 1000)
    ngx.say(ngx.var.arg_mark)
end

function _M.nested()
    local answer = ngx.location.capture("/inner/say?mark=" .. ngx.var.arg_mark)
    ngx.status = answer.status
    ngx.print(answer.body)
end

function _M.redirect(mark)
    ngx.ctx.mark = mark
    return ngx.exec("/inner/end", { mark = mark })
end

-- ngx.pipe: some are closed, some are left to the end of the request.
function _M.pipe(mark)
    local way = random(3)
    if way == 1 then
        local child, err = pipe.spawn({ "sh", "-c", "read line; sleep 0.02; echo \"$line\"; exit 3" })
        if not child then return wrong("spawn: %s", err) end
        child:set_timeouts(5000, 5000, 5000, 5000)
        assert(child:write(mark .. "\n"))
        local line
        line, err = child:stdout_read_line()
        if line ~= mark then return wrong("pipe: %s, %s", tostring(line), tostring(err)) end
        local ok, reason, status = child:wait()
        if ok or reason ~= "exit" or status ~= 3 then
            return wrong("wait: %s %s %s", tostring(ok), tostring(reason), tostring(status))
        end
        return "ok"
    end
    local child, err = pipe.spawn({ "sleep", "30" })
    if not child then return wrong("spawn: %s", err) end
    child:set_timeouts(5000, 30, 5000, 5000)
    local data
    data, err = child:stdout_read_any(10)
    if data ~= nil or err ~= "timeout" then return wrong("pipe: %s, %s", tostring(data), tostring(err)) end
    if way == 2 then
        child:kill(9)
        child:wait()
        return "killed"
    end
    return "left"
end

function _M.body(mark)
    ngx.req.read_body()
    local data = ngx.req.get_body_data()
    if data == nil then
        local name = ngx.req.get_body_file()
        if not name then return wrong("no body") end
        local file = assert(io.open(name, "rb"))
        data = file:read("*a")
        file:close()
    end
    local want = tonumber(ngx.var.arg_size)
    if #data ~= want then return wrong("body of %d, not %d", #data, want) end
    if data ~= string.rep(mark, math.ceil(want / #mark)):sub(1, want) then return wrong("another's body") end
    return "ok"
end

-- The same through ngx.req.socket, in pieces.
function _M.reqsocket(mark)
    local sock, err = ngx.req.socket()
    if not sock then return wrong("req.socket: %s", err) end
    sock:settimeout(10000)
    local want, parts, have = tonumber(ngx.var.arg_size), {}, 0
    while have < want do
        local piece
        piece, err = sock:receive(math.min(4096, want - have))
        if not piece then return err == "timeout" and wrong("req.socket timeout") or "client: " .. err end
        parts[#parts + 1] = piece
        have = have + #piece
    end
    if table.concat(parts) ~= string.rep(mark, math.ceil(want / #mark)):sub(1, want) then
        return wrong("another's body")
    end
    return "ok"
end

function _M.stream(mark)
    ngx.say(mark, " begins")
    for i = 1, random(5, 40) do
        ngx.print(mark, ":", i, string.rep(".", random(2000)), "\n")
        local ok = ngx.flush(random(2) == 1)
        if not ok then break end
        if random(3) == 1 then ngx.sleep(0.002) end
    end
    return "ok"
end

function _M.onabort()
    local ok, err = ngx.on_abort(function()
        counts:incr("onabort", 1, 0)
        ngx.exit(499)
    end)
    if not ok then return wrong("on_abort: %s", err) end
    local thread = spawn(function() ngx.sleep(10) end)
    ngx.sleep(random(40) / 1000)
    ngx.thread.kill(thread)
    return "ok"
end

function _M.run(kind)
    track()
    local mark = ngx.var.arg_mark
    ngx.header["X-Mark"] = mark
    local outcome = _M[kind](mark)
    if outcome then ngx.say(mark, " ", outcome) end
end

function _M.init(given)
    ports = given
end

-- Every request that began must reach its log phase.
function _M.begin()
    counts:incr("begun:" .. ngx.worker.pid(), 1, 0)
end

function _M.log()
    counts:incr("logged:" .. ngx.worker.pid(), 1, 0)
end

local function census()
    local alive = 0
    for thread in pairs(begun) do
        if coroutine.status(thread) ~= "dead" then alive = alive + 1 end
    end
    return alive
end

-- Each worker tells of itself four times a second. On demand it collects garbage before.
function _M.begin_worker()
    local pid = ngx.worker.pid()
    math.randomseed(pid)
    assert(ngx.timer.every(0.25, function(premature)
        if premature then return end
        counts:incr("ticks:" .. pid, 1, 0)
        if counts:get("collect") then collectgarbage() end
        counts:set("state:" .. pid, format("%d %d %d %d %d %d", ngx.timer.running_count(), ngx.timer.pending_count(),
            census(), collectgarbage("count"), places:count(), inside))
    end))
end

-- The counters and what the workers told last, as lines.
function _M.state()
    if ngx.var.arg_collect then counts:set("collect", ngx.var.arg_collect == "1") end
    locks:flush_expired()
    lists:flush_expired()
    for _, key in ipairs(counts:get_keys(0)) do
        if key:find("^%a+:%d+$") or key == "a" or key == "b" or key:find("^p%a+ed$") or key == "onabort"
            or key == "premature" then
            ngx.say(key, "=", counts:get(key))
        end
    end
    local length = 0
    for i = 1, 4 do length = length + (lists:llen("list" .. i) or 0) end
    ngx.say("length=", length)
    ngx.say("locks=", #locks:get_keys(0))
end

return _M
