-- cjson.encode and cjson.decode of documents as web applications have them: seconds of one conversion.

local cjson = require 'cjson'

local response = {
  status = 'ok',
  request_id = '7f3d2a90-5b1c-4c1e-9a57-2f0f4c6be111',
  user = { id = 182734, name = 'Ada Lovelace', email = 'ada@example.com', active = true, roles = { 'admin', 'editor' } },
  quota = { limit = 5000, remaining = 4873, reset = 1700000000 },
  next = cjson.null,
}

local function product(i)
  return {
    id = i,
    sku = 'SKU-' .. (100000 + i * 37),
    title = 'Product number ' .. i,
    description = 'A fairly ordinary thing of which there are many; this one has the number ' .. i .. '.',
    price = i * 1.25 + 0.99,
    in_stock = i % 3 ~= 0,
    tags = { 'tag' .. i % 7, 'common', 'sale' },
    dimensions = { width = i % 50 + 0.5, height = i % 30, depth = 12 },
    vendor = { id = i % 10, name = 'Vendor ' .. i % 10, country = 'DE' },
  }
end
local nested = { total = 60, page = 1, items = {} }
for i = 1, 60 do nested.items[i] = product(i) end

local integers, floats = {}, {}
for i = 1, 1000 do
  integers[i] = (i * 7919) % 100003
  floats[i] = math.floor(math.sin(i) * 1e6) / 1e3
end

local escaped = {}
for i = 1, 100 do
  escaped[i] = 'line ' .. i .. ': "quoted" text\twith tabs\nand a path C:\\dir\\file, http://example.com/a/b'
end
local strings = {}
for i = 1, 300 do strings[i] = 'plain text of an ordinary length, number ' .. i end

-- Keys that are data: no two objects are of one kind.
local map = {}
for i = 1, 500 do map['key:' .. i] = i end

local documents = {
  ['API response, 0.3 KB'] = { 2000, response },
  ['nested document, 20 KB'] = { 40, nested },
  ['1000 integers'] = { 200, integers },
  ['1000 fractions'] = { 100, floats },
  ['strings with escapes, 10 KB'] = { 200, escaped },
  ['300 strings, 14 KB'] = { 200, strings },
  ['500 keys of one object'] = { 100, map },
}

local cases = {}
for name, document in pairs(documents) do
  local n, value = document[1], document[2]
  local text = cjson.encode(value)
  local encode, decode = cjson.encode, cjson.decode
  cases['encode: ' .. name] = { n, function()
    local size = 0
    for _ = 1, n do size = size + #encode(value) end
    return size
  end }
  cases['decode: ' .. name] = { n, function()
    local v
    for _ = 1, n do v = decode(text) end
    return type(v)
  end }
end
return cases
