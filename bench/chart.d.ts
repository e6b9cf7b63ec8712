/** The results as a bar chart: efficiency against the peer, 1 being equal. */
export interface Bar {
    readonly label: string;
    readonly ratio: number;
    readonly goal: number | undefined;
    readonly detail: string;
}
/** An SVG document; bars reach from 0 to the largest ratio, with a line at 1 and a mark at each goal. */
export declare function chart(title: string, bars: readonly Bar[]): string;
