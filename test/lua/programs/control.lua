for i = 10, 1, -3 do io.write(i, " ") end print()
for i = 1, 2, 0.25 do io.write(i, " ") end print()
for i = 1, 0 do print("never") end
for i = 3, 1 do print("never") end
for i = 1, 3 do local i = i * 2 io.write(i, " ") end print()
for i = 1, 5 do if i == 2 then goto continue end if i == 4 then break end io.write(i, " ") ::continue:: end print()
do
  local i = 1
  ::top::
  io.write(i, " ")
  i = i + 1
  if i <= 3 then goto top end
  print()
end
for i = 1, 3 do
  for j = 1, 3 do
    if j == 2 then goto next_i end
    io.write(i, ":", j, " ")
  end
  ::next_i::
end
print()
do
  local k = 0
  ::a::
  k = k + 1
  if k == 1 then goto c end
  if k == 2 then goto a end
  ::b::
  print("b", k)
  if k > 4 then goto done end
  ::c::
  print("c", k)
  if k < 4 then goto a else k = k + 1 goto b end
  ::done::
end
do -- closures in a goto loop
  local t, i = {}, 0
  ::again::
  local x = i
  t[#t + 1] = function() x = x + 1 return x end
  i = i + 1
  if i < 3 then goto again end
  print(t[1](), t[1](), t[2](), t[3]())
end
-- jump into the middle of a loop made of gotos
local function weird(n)
  local log = {}
  if n == 1 then goto middle end
  ::start::
  log[#log + 1] = "s"
  ::middle::
  log[#log + 1] = "m"
  n = n + 1
  if n < 4 then goto start end
  return table.concat(log)
end
print(weird(0), weird(1), weird(3))
local i = 0
repeat local j = i i = i + 1 until j >= 3
print(i)
while true do i = i + 1 if i > 10 then break end end print(i)
print(nil and 1, false or 2, 1 and 2, nil or false, false and nil, 1 or error("x"))
local function t(v) io.write("t") return v end
local function f(v) io.write("f") return v end
if t(1) and f(false) or t(2) then print(" yes") else print(" no") end
if not (t(true) and f(nil)) and t(3) then print(" yes") end
local x = (t(nil) or f(false)) == false and "A" or "B" print(x)
while not f(true) do end print()
if nil then print(1) elseif false then print(2) elseif 0 then print("zero is true") else print(3) end
print(1 < 2, 1 <= 1, 2 > 3, "a" < "b", "a" >= "b", "" == "", 1 == "1", nil == false)
print(1 ~= 1, "x" ~= "y", {} == {})
print(2 ^ 10, 7 % 3, -7 % 3, 7 % -3, -7 % -3, 5.5 % 2, 1 / 0, -1 / 0, 2 ^ 0.5, 10 / 4)
print(-2 ^ 2, not 1 == 2, #"abc" + 1, -"2" + 0, "10" / 2, "0x10" + 1, 1 .. 2 .. 3)
print(1e15, 1e16, 123456789012, 0.1 + 0.2, 1e-5, 3.0, -0.0, 1e300 * 1e10)
print(0xff, 0x1p4, 0xA.8p0, 1e2, .5, 3., 0x.8)
print("\65\066\x41\z
       \u{48}\u{20AC}\
end", 'single\'s', "tab\tq\"", [[long
line]], [==[a]]b]==])
print(#[[

x]])
