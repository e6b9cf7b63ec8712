/** balancer_by_lua and ngx.balancer in stream: see peer-balancer.ts. stream-lua: ngx_stream_lua_balancer.c. */
import type { StreamSession } from '../stream/session.ts';
import type { PeerConnection } from '../stream/upstream/conf.ts';
import type { PeerSelection } from '../upstream/peer.ts';
import type { ApiContext } from './context.ts';
import { PeerBalancer } from './peer-balancer.ts';

/** Runs the code of an attempt with `ctx.phase` IN_BALANCER. @returns ERROR after a failure (logged), else OK */
export type RunSessionBalancer = (s: StreamSession, ctx: ApiContext) => number;

/** The choice for one session. */
export class SessionBalancer extends PeerBalancer<PeerConnection> {
  private readonly run: RunSessionBalancer;

  constructor(
    attempting: PeerConnection,
    ctx: ApiContext,
    fallback: PeerSelection<PeerConnection>,
    run: RunSessionBalancer,
  ) {
    super(attempting, ctx, fallback);
    this.run = run;
  }

  protected override ask(): number {
    return this.run(this.attempting.r, this.ctx);
  }

  protected override chosen(): void {}

  protected override fallBack(pc: PeerConnection): number {
    return this.fallback.get(pc);
  }

  protected override get mostTries(): number {
    return this.attempting.mostTries;
  }

  /** Attempts leave no status in stream. */
  protected override get lastStatus(): number {
    return 0;
  }
}
