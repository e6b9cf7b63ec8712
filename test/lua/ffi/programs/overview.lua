local ffi=require'ffi'
print(1LL, 0xffULL, 2i, 5LL+3, 7LL/2, -7LL%3, 2LL^40, 1ULL-2)
print(5LL==5, 5==5LL, 5LL==nil, 5LL<6, type(5LL), tonumber(7ULL))
ffi.cdef[[
typedef struct q { double id; struct q *prev, *next; int a[3]; } q_t;
struct pt { int x; int y; };
int puts(const char *s);
unsigned long strlen(const char *);
char *getenv(const char *);
int snprintf(char *, size_t, const char *, ...);
void qsort(void *, size_t, size_t, int (*)(const int *, const int *));
]]
local a = ffi.new("q_t[?]", 4)
a[0].next = a + 1
a[1].prev = a
a[1].id = 42
print(a[0].next.id, a[0].next == a+1, a[0].prev == nil, a[0].next ~= nil, (a+3)-a)
print(ffi.sizeof"q_t", ffi.offsetof("q_t","next"), ffi.typeof"q_t")
local p = ffi.new("struct pt", 3, 4)
print(p.x,p.y, ffi.string("hello",2), ffi.C.strlen("abc"))
print(pcall(function() return p.z end))
print(pcall(function() p.x = "a" end))
local b = ffi.new("char[30]")
print(ffi.C.snprintf(b, 30, "%d-%s-%g", ffi.cast("int",5), "yo", 2.5), ffi.string(b))
local v = ffi.new("int[5]", {5,3,1,4,2})
ffi.C.qsort(v, 5, 4, function(x,y) return x[0]-y[0] end)
print(v[0],v[1],v[2],v[3],v[4])
print(ffi.C.getenv("nope_nope")==nil, ffi.string(ffi.C.getenv("HOME")) == os.getenv("HOME"))
local mt = ffi.metatype("struct pt", {__index={len=function(s) return s.x*s.y end}, __add=function(a,b) return ffi.new("struct pt",a.x+b.x,a.y+b.y) end, __tostring=function(s) return "pt:"..s.x end})
local m = mt(2,3)
print(m:len(), (m+p).y, tostring(m))
local bit=require"bit"
print(bit.band(0xffffffffffULL, 0x1ff), bit.lshift(1LL, 40), bit.tohex(255ULL), bit.bnot(0LL))
print(pcall(ffi.typeof, "foo")) print(pcall(ffi.new, nil))
