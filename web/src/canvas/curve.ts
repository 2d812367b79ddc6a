/** The curve between two sockets: it leaves to the right and arrives from the left, however the nodes lie. */
export function curve(fromX: number, fromY: number, toX: number, toY: number): string {
  const bend = bendOf(fromX, toX);
  return `M${fromX} ${fromY}C${fromX + bend} ${fromY} ${toX - bend} ${toY} ${toX} ${toY}`;
}

/** How far the curve goes straight on at either end. */
function bendOf(fromX: number, toX: number): number {
  const across = toX - fromX;
  return across >= 0
    ? Math.max(Math.min(across * 0.5, 180), Math.min(40, across))
    : Math.min(260, 40 - across * 0.4);
}

/** Points along the curve, from one end to the other, without the ends. */
export function pointsAlong(
  fromX: number,
  fromY: number,
  toX: number,
  toY: number,
  count: number,
): [number, number][] {
  const bend = bendOf(fromX, toX);
  return Array.from({ length: count }, (_, at) => {
    const t = (at + 1) / (count + 1);
    const [a, b, c, d] = [(1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t ** 2, t ** 3];
    return [a * fromX + b * (fromX + bend) + c * (toX - bend) + d * toX, (a + b) * fromY + (c + d) * toY];
  });
}
