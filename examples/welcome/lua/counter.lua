-- A shared dict is memory that all workers see. incr is atomic.
local counters = ngx.shared.counters

local mine = counters:incr("calls from Lua", 1, 0)
local all = counters:incr("calls", 1, 0)

ngx.say("call ", mine, " in Lua, ", all, " in both languages")
ngx.say("this worker is process ", ngx.worker.pid())
