-- The smallest handler. ngx.var holds nginx's variables.
local name = ngx.var.arg_name or "world"

ngx.say("Hello, ", ngx.unescape_uri(name), ", from Lua")
