package.preload["a.b"] = function(...) return { name = ..., n = select("#", ...) } end
local m = require("a.b") print(m.name, m.n, require("a.b") == m, package.loaded["a.b"] == m)
package.preload.nilmod = function() end print(require("nilmod"), package.loaded.nilmod)
package.preload.falsemod = function() return false end print(require("falsemod"), package.loaded.falsemod)
package.preload.bad = function() error("load failure") end print(pcall(require, "bad")) print(pcall(require, "bad"))
package.preload.sets = function(name) package.loaded[name] = "set by module" end print(require("sets"))
package.path = "./?.none;/x/?/init.none" package.cpath = "./?.nso"
print(pcall(require, "missing.mod"))
table.insert(package.loaders, 2, function(name) if name == "custom" then return function(n) return "custom:" .. n end end return "\n\tno custom" end)
print(require("custom")) print(pcall(require, "missing"))
print(pcall(require)) print(package.loaded.string == string, package.loaded._G == _G)
print(package.config:sub(1, 1), type(package.loaders), #package.loaders)
local co = coroutine.wrap(function() package.preload.y = function() coroutine.yield("loading") return "mod y" end return require("y") end)
