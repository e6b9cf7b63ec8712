/**
 * User code in any language: where it may wait (docs/waiting.md). The module keeps an ApiContext with each request that has
 * such code.
 */
import { flagSlot } from '../conf/slots.ts';
import type { HttpCycle } from '../http/cycle.ts';
import { httpModule } from '../http/module.ts';
import type { ApiContext } from './context.ts';

/** Of an http block. */
export interface ApiMain {
  /** `lua_strict_phases off` stands somewhere. */
  relaxed: boolean;
}

/** Of a location. */
export interface ApiLocation {
  strictPhases: boolean;
}

const strictPhases = flagSlot<ApiLocation>(
  'lua_strict_phases',
  ['http', 'server', 'location', 'if in location'],
  'location',
  'strictPhases',
  true,
  'Whether code may wait in the phases of OpenResty alone, or in all that can.',
);

/** Keeps an ApiContext per request. */
export const apiModule = httpModule<ApiMain, object, ApiLocation, ApiContext>({
  name: 'tsresty_api_module',
  directives: [
    {
      ...strictPhases,
      set(cf, conf, args) {
        const wrong = strictPhases.set(cf, conf, args);
        if (wrong === undefined && !conf.strictPhases && cf.confs !== undefined) {
          apiModule.mainOf(cf.confs).relaxed = true;
        }
        return wrong;
      },
    },
  ],
  createMain: () => ({ relaxed: false }),
  createLocation: () => ({ strictPhases: undefined }) as unknown as ApiLocation,
});

/** Whether init_worker code may not wait: as the http block says. */
export function strictOutside(http: HttpCycle): boolean {
  return (http.outside[apiModule.index] as ApiLocation).strictPhases;
}
