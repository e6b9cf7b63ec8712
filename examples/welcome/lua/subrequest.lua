-- Asks other locations of this server, without a connection.
local hello, counter = ngx.location.capture_multi({
  { "/ts/hello", { args = { name = "Lua" } } },
  { "/ts/counter" },
})

ngx.say("TypeScript says: ", (hello.body:gsub("\n", "")))
ngx.say("and: ", counter.body:match("[^\n]+"))
