/** The results as a bar chart: efficiency against the peer, 1 being equal. */

export interface Bar {
  readonly label: string;
  readonly ratio: number;
  readonly goal: number | undefined;
  readonly detail: string;
}

const WIDTH = 760;
const LEAST_LEFT = 200;
const LETTER = 6.8; // pixels of a letter, roughly
const ROW = 34;

function escapeXml(text: string): string {
  return text.replace(/[<&]/g, (ch) => (ch === '<' ? '&lt;' : '&amp;'));
}

/** An SVG document; bars reach from 0 to the largest ratio, with a line at 1, named `one`, and a mark at each goal. */
export function chart(title: string, bars: readonly Bar[], one = 'nginx = 1'): string {
  const most = Math.max(1.1, ...bars.map((bar) => bar.ratio));
  const left = Math.ceil(Math.max(LEAST_LEFT, ...bars.map((bar) => bar.label.length * LETTER + 16)));
  const width = WIDTH + left - LEAST_LEFT;
  const scale = (WIDTH - LEAST_LEFT - 130) / most;
  const height = bars.length * ROW + 70;
  const rows = bars.map((bar, i) => {
    const y = 46 + i * ROW;
    const length = (bar.ratio * scale).toFixed(1);
    const color = bar.goal === undefined ? '#6b8fb3' : bar.ratio >= bar.goal ? '#3d9a5f' : '#c8703a';
    const mark =
      bar.goal === undefined
        ? ''
        : `<rect x="${(left + bar.goal * scale - 1).toFixed(1)}" y="${y - 2}" width="2" height="24" fill="#333"/>`;
    return `<text x="${left - 8}" y="${y + 15}" text-anchor="end">${escapeXml(bar.label)}</text>
<rect x="${left}" y="${y}" width="${length}" height="20" rx="3" fill="${color}"/>${mark}
<text x="${(left + bar.ratio * scale + 6).toFixed(1)}" y="${y + 15}">${bar.ratio.toFixed(2)} <tspan fill="#777">${escapeXml(bar.detail)}</tspan></text>`;
  });
  const middle = (left + scale).toFixed(1);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="13">
<rect width="100%" height="100%" fill="#fff"/>
<text x="16" y="24" font-size="16">${escapeXml(title)}</text>
<line x1="${middle}" y1="40" x2="${middle}" y2="${height - 20}" stroke="#999" stroke-dasharray="4 3"/>
${rows.join('\n')}
<text x="${middle}" y="${height - 6}" text-anchor="middle" fill="#777">${escapeXml(one)}</text>
</svg>
`;
}
