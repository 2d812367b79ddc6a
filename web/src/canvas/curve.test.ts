import fc from "fast-check";
import { expect, test } from "vitest";
import { pointsAlong } from "./curve";

const place = fc.integer({ min: -5000, max: 5000 });

test("the middle of a wire is in the middle between its ends", () => {
  fc.assert(
    fc.property(place, place, place, place, (fromX, fromY, toX, toY) => {
      const [middle] = pointsAlong(fromX, fromY, toX, toY, 1);
      expect(middle?.[0]).toBeCloseTo((fromX + toX) / 2);
      expect(middle?.[1]).toBeCloseTo((fromY + toY) / 2);
    }),
  );
});
