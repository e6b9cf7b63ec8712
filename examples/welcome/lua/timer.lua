-- A timer runs later, without a request: here after half a second.
local counters = ngx.shared.counters

ngx.say("the last timer ", counters:get("timer of Lua") or "has not run yet")

local started = ngx.now()
local ok, err = ngx.timer.at(0.5, function(premature)
  if premature then return end -- the worker exits
  local waited = string.format("%.2f", ngx.now() - started)
  counters:set("timer of Lua", "ran " .. waited .. " seconds after its request")
end)

ngx.say(ok and "the next one is set: run this again" or err)
