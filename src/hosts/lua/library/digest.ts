/** The modules of lua-resty-string: resty.sha1, sha224, ..., md5, string, random. */
import { createHash, type Hash, randomBytes } from 'node:crypto';
import { type LuaResult, LuaTable, type LuaValue, ret0, throwError, Userdata } from '../../../lua/index.ts';
import { checkInteger, checkString } from '../ngx/args.ts';
import { type ModuleLoader, moduleTable } from './module.ts';

const VERSION = '0.17';

class Digest extends Userdata {
  readonly algorithm: string;
  hash: Hash;

  constructor(algorithm: string) {
    super();
    this.algorithm = algorithm;
    this.hash = createHash(algorithm);
  }
}

function digestOf(self: LuaValue): Digest {
  const digest = self instanceof LuaTable ? self.get('_ctx') : undefined;
  return digest instanceof Digest ? digest : throwError('not a digest');
}

function update(self: LuaValue, data: LuaValue, length: LuaValue): LuaResult {
  const digest = digestOf(self);
  let text = checkString(data, 2, 'update');
  if (length !== undefined) text = text.slice(0, checkInteger(length, 3, 'update'));
  digest.hash.update(text, 'latin1');
  return true;
}

/** The digest of what was given so far; a copy is taken, so that calling it again is no error. */
function final(self: LuaValue): LuaResult {
  return digestOf(self).hash.copy().digest().toString('latin1');
}

function reset(self: LuaValue): LuaResult {
  const digest = digestOf(self);
  digest.hash = createHash(digest.algorithm);
  return true;
}

/** resty.ALGORITHM. */
export function digestModule(algorithm: string): ModuleLoader {
  return () => {
    const module = moduleTable({ _VERSION: VERSION, update, final, reset });
    const metatable = LuaTable.fromObject({ __index: module });
    module.setStr('new', (): LuaResult => {
      const self = LuaTable.fromObject({ _ctx: new Digest(algorithm) });
      self.metatable = metatable;
      return self;
    });
    return module;
  };
}

/** resty.sha only declares types for ffi. */
export const sha: ModuleLoader = () => moduleTable({ _VERSION: VERSION });

/** Digits only, as nginx's configuration has them; -1 for anything else. nginx: ngx_atoi(). */
function atoi(v: LuaValue): LuaResult {
  const text = checkString(v, 1, 'atoi');
  return /^\d+$/.test(text) && Number(text) <= Number.MAX_SAFE_INTEGER ? Number(text) : -1;
}

export const string: ModuleLoader = () =>
  moduleTable({
    _VERSION: VERSION,
    to_hex: (v: LuaValue) => Buffer.from(checkString(v, 1, 'to_hex'), 'latin1').toString('hex'),
    atoi,
  });

export const random: ModuleLoader = () =>
  moduleTable({
    _VERSION: VERSION,
    bytes: (n: LuaValue) => randomBytes(checkInteger(n, 1, 'bytes')).toString('latin1'),
  });

/** The module tablepool: tables that are used again. Here making a new one is the cheaper way. */
export const tablepool: ModuleLoader = () =>
  moduleTable({
    fetch: () => new LuaTable(),
    release: (_tag: LuaValue, table: LuaValue, noClear: LuaValue) => {
      if (!(table instanceof LuaTable)) throwError('object empty');
      if (noClear === undefined || noClear === false) {
        table.metatable = undefined;
        for (const [k] of table.entries()) table.set(k, undefined);
      }
      return ret0();
    },
  });
