-- Reads JSON, answers JSON.
local cjson = require "cjson.safe"

ngx.req.read_body()
local order = cjson.decode(ngx.req.get_body_data() or "")

ngx.header.content_type = "application/json"
if type(order) ~= "table" or type(order.text) ~= "string" then
  ngx.status = ngx.HTTP_BAD_REQUEST
  ngx.say(cjson.encode({ error = "send { text: ... }" }))
  return
end

local words = {}
for word in order.text:gmatch("%S+") do
  words[#words + 1] = word
end
ngx.say(cjson.encode({ language = "Lua", words = words }))
