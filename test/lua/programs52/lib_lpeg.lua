-- lpeg: patterns, captures, grammars, messages. The output is that of LPeg 1.1 in LuaJIT.
local lpeg = require 'lpeg'
local P, S, R, V, B = lpeg.P, lpeg.S, lpeg.R, lpeg.V, lpeg.B
local C, Cb, Cc, Cf, Cg, Cmt, Cp, Cs, Ct = lpeg.C, lpeg.Cb, lpeg.Cc, lpeg.Cf, lpeg.Cg, lpeg.Cmt, lpeg.Cp, lpeg.Cs, lpeg.Ct
local function show(v)
  if type(v) ~= 'table' then return (tostring(v):gsub('0x%x+', '')) end
  local parts = {}
  for _, item in ipairs(v) do parts[#parts + 1] = show(item) end
  local keys = {}
  for k in pairs(v) do if type(k) == 'string' then keys[#keys + 1] = k end end
  table.sort(keys)
  for _, k in ipairs(keys) do parts[#parts + 1] = k .. '=' .. show(v[k]) end
  return '{' .. table.concat(parts, ' ') .. '}'
end
local function out(...)
  local t = { n = select('#', ...), ... }
  for i = 1, t.n do t[i] = show(t[i]) end
  print(table.concat(t, '\t', 1, t.n))
end
local function fails(f, ...) out(pcall(f, ...)) end

out(lpeg.version, lpeg.type(P 'a'), lpeg.type 'a', lpeg.type(nil), type(P(1)))

-- matching
for _, p in ipairs { P 'ab', P(2), P(-1), P(-3), P(true), P(false), S 'ab' ^ 1, R('ac', '09') ^ 0, P 'a' ^ -1, P 'ab' ^ 2, P '' } do
  out(p:match 'abab', p:match '', p:match('xab', 2), p:match('xab', -2), p:match('ab', 10), p:match('ab', 0))
end
out((P 'a' + 'b' * P 'c'):match 'bc', (P 'a' - 'ab'):match 'ab', (1 - P 'a'):match 'b', (-P 'a' * 1):match 'b', (#P 'a' * 2):match 'ab')
out((1 * B 'a' * 'b'):match 'ab', (2 * B(P 'a' * 1)):match 'ab', (-B(1) * P(1)):match 'x', B(1):match 'x')
out((P 'a' * { 'b' * V(1) + 'c' }):match 'abbc', lpeg.match({ 'x', x = 'a' * V 'y', y = P 'b' ^ 0 }, 'abbb'))
out(lpeg.match(P(1) ^ 0, ('\0\255'):rep(5)), (P '\0' ^ 1 * '\255'):match '\0\0\255', (R '\128\255' ^ 1):match '\200\201a')
out(lpeg.utfR(0x400, 0x4ff):match '\208\150', lpeg.utfR(0x400, 0x4ff):match 'a', (lpeg.utfR(0, 0x10ffff) ^ 0):match 'a\226\130\172\240\159\152\128\255')
out(lpeg.utfR(0, 0x10ffff):match '\192\128', lpeg.utfR(0, 0x10ffff):match '\237\160\128', lpeg.utfR(0x20, 0x7e):match 'a', B(lpeg.utfR(0x400, 0x7ff)):match('\208\150', 3))
out((P 'one' + 'two' + 'three' + P 'four' * 'five'):match 'fourfive', (P 'a' * (P 'bc' ^ -1) + 'abd') :match 'abd')
out((('aa' * P 'bc' ^ -1 + 'aab') * 'e'):match 'aabe')

-- captures
out((C(1) * Cp() * C(2) * Cc('x', nil, 3)):match 'abc')
out(Ct(C 'a' ^ 0):match 'aaa', Ct(Cg('a', 'k') * C(1) * Cg(Cc(1, 2), 'l') * Cg(C(1) * C(1))):match 'abcd')
out(Ct(Cg('x', 1) * C(1) * Cg('z', 2)):match 'xyz', Ct(Cc(nil, 2)):match('')[2], Ct(P(true)):match '')
out(C(C(1) * C(1)):match 'ab', Cs((P 'a' / 'x' + P 'b' / { b = 'y' } + C 'c' / function() end + 1) ^ 0):match 'abcd')
out((C(1) * C(1) / '%2%1%0%%'):match 'ab', (C(1) ^ 1 / 2):match 'abc', (C(1) / 0):match 'a', (P(1) / { a = false, b = 'B' }):match 'a')
out((C(C(1) * C(1)) / '%3-%2-%1'):match 'ab', (P 'a' / '%0'):match 'a', (Cp() / '<%1>'):match 'x', (Cg(C(1)) / '%1'):match 'z')
out((C(1) * C(1) / function(...) return select('#', ...), ... end):match 'ab', (P 'a' / function() end * C(1)):match 'ab')
out((P 'ab' / string.upper):match 'ab', (Cc(1, 2) * Cp() / function(...) return ... end):match '')
out(Cf(Cc(0) * (R '09' / tonumber) ^ 1, function(a, b) return a + b end):match '1234')
out(Cf(Ct '' * Cg(C(1) * '=' * C(1)) ^ 0, rawset):match 'a=bc=d')
out((Cc(0) * (R '09' / tonumber % function(a, b) return a * 10 + b end) ^ 0):match '1234', (C(1) * (P '!' % string.upper) ^ -1):match 'a!')
out((Cg(C(1) * C(1), 'k') * Cb 'k' * Cb 'k'):match 'ab', (Cg('a', 7) * Ct(Cb(7) * Cg('b', 7) * Cb(7)) * Cb(7)):match 'ab')
out((lpeg.Carg(2) * lpeg.Carg(1)):match('', 1, 'one', { 'two' }))
local long = '[' * Cg(P '=' ^ 0, 'init') * '[' *
  C((1 - Cmt(']' * C(P '=' ^ 0) * ']' * Cb 'init', function(_, _, a, b) return a == b end)) ^ 0) * ']' * P '=' ^ 0 * ']' / 1
out(long:match '[==[ a ]=] ]] b ]==]', long:match '[[x]]', long:match '[=[x]]')

-- functions that run during the match
out(Cmt(C(1) * C(1), function(s, i, a, b) return i, b, a end):match 'ab', Cmt(1, function() return false end):match 'a')
out((P(function(s, i, m) return #s + 1, i, m end)):match('abc', 2), Cmt(1, function() return 3 end):match 'abc')
out(Cs((Cmt(1, function(_, _, c) if c == 'b' then return true, 'X', 'Y' end return true end)) ^ 0):match 'abc')
local calls = 0
local count = P(function() calls = calls + 1 return true end)
out((count * 'a' + count * 'b'):match 'b', (count * false + 'c'):match 'c', (-count + 'd'):match 'd', (#count * 'e'):match 'e', calls)
local function inner(s, i, x) return #lpeg.match(Ct(C(1) ^ 0), x) == 3 end
out(Cmt(R 'az' ^ 1, inner):match 'abc', Cmt(R 'az' ^ 1, inner):match 'abcd')

-- grammars
local space = S ' \n' ^ 0
local number = C(P '-' ^ -1 * R '09' ^ 1) / tonumber * space
local function eval(a, op, b)
  if op == '+' then return a + b elseif op == '-' then return a - b elseif op == '*' then return a * b end
  return a / b
end
local expression = space * P { 'sum',
  sum = V 'product' * (C(S '+-') * space * V 'product' % eval) ^ 0,
  product = V 'factor' * (C(S '*/') * space * V 'factor' % eval) ^ 0,
  factor = number + '(' * space * V 'sum' * ')' * space,
} * -1
for i = 1, 40 do assert(expression:match '3 + 5*9 / (1+1) - 12' == 13.5) end
out(expression:match '1 + 2 * (3 - 4) * -5', expression:match '1 +', expression:match(('('):rep(100) .. '7' .. (')'):rep(100)))
local even = P { '0' * V(2) + '1' * V(3) + -1, '0' * V(1) + '1' * V(4), '0' * V(4) + '1' * V(1), '0' * V(3) + '1' * V(2) }
out(even:match(('011'):rep(5000)), even:match(('011'):rep(5001)), even:match(('0'):rep(20000)))
local tail = P { 'a' * V(1) + '' }
out(tail:match(('a'):rep(50000)), (P { P 'x' + 1 * V(1) }):match(('a'):rep(20000) .. 'x'))
local nested = P { '(' * (1 - S '()' + V(1)) ^ 0 * ')' }
fails(nested.match, nested, ('('):rep(500) .. (')'):rep(500))
lpeg.setmaxstack(20000)
out(nested:match(('('):rep(5000) .. (')'):rep(5000)), nested:match(('('):rep(5000)))
lpeg.setmaxstack(100)
fails(nested.match, nested, ('('):rep(120) .. (')'):rep(120))
lpeg.setmaxstack(400)
local words = P(false)
for _, w in ipairs { 'alpha', 'beta', 'gamma', 'delta', 'al', 'be' } do words = words + w end
local list = Ct((C(words) * space) ^ 0)
for i = 1, 40 do list:match 'alpha beta gamma' end
out(list:match 'alpha beta gamma delta alx', list:match 'x')

-- locale
local classes = {}
for name, p in pairs(lpeg.locale()) do
  local n = 0
  for c = 0, 255 do if p:match(string.char(c)) then n = n + 1 end end
  classes[#classes + 1] = name .. ':' .. n
end
table.sort(classes)
out(classes)

-- messages
fails(P) fails(P, nil) fails(P, coroutine.create(print)) fails(S) fails(R, 'abc') fails(V, nil) fails(Cmt, 'a', 1)
fails(lpeg.match) fails(lpeg.match, 'a') fails(lpeg.match, 'a', 'b', 'x') fails(lpeg.Carg) fails(lpeg.Carg, 0) fails(Cb)
fails(function() return P 'a' * nil end) fails(function() return P 'a' / nil end) fails(function() return P 'a' ^ 'x' end)
fails(function() return P '' ^ 0 end) fails(function() return (P 'a' ^ -1) ^ 1 end) fails(function() return P 'a' / -1 end)
fails(B, P 'a' ^ 1) fails(B, C 'a') fails(B, 300) fails(lpeg.utfR, 1, 0) fails(lpeg.utfR, 1, 0x110000) fails(lpeg.setmaxstack, 0)
fails(P, {}) fails(P, { 'x' }) fails(P, { 'x', x = 1 }) fails(P, { V 'y' ^ 0, y = P '' }) fails(P, { V 'y', y = V 'y' })
fails(P, { V 'z' }) fails(P, { V { } }) fails(P, { P 'a', b = 1 }) fails(lpeg.match, V 'q', 'a')
fails(lpeg.match, Cb 'x', 'a') fails(lpeg.match, C(1) / 2, 'a') fails(lpeg.match, Cs(Cc(true)), 'a') fails(lpeg.match, P 'a' / '%1', 'a')
fails(lpeg.match, Cc(true) / '%1', 'a') fails(lpeg.match, lpeg.Carg(1), 'a') fails(lpeg.match, Cf(P 'a', print), 'a')
fails(lpeg.match, P 'a' % print, 'a') fails(lpeg.match, P(function() return 9 end), 'a') fails(lpeg.match, P(function() return {} end), 'a')
fails(lpeg.match, P(function() error 'mine' end), 'a') fails(lpeg.match, P 'a' / function() error({ 'table' }) end, 'a')
fails(function()
  local p = C(1)
  for _ = 1, 300 do p = Ct(p) end
  return p:match 'x'
end)
out(coroutine.resume(coroutine.create(function() return lpeg.match(P 'a' / coroutine.yield, 'a') end)))
out(coroutine.resume(coroutine.create(function() return lpeg.match(P(coroutine.yield), 'a') end)))
out(P(1):match 'after errors')
