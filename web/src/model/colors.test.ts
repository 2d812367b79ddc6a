import { expect, test } from "vitest";

import { BODY, CORE, OTHERS, socketStyle } from "./colors";

type Vec = readonly [number, number, number];
type Matrix = readonly [Vec, Vec, Vec];

// Machado, Oliveira and Fernandes 2009, severity 1.
const VISION: Readonly<Record<string, Matrix>> = {
  normal: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protan: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deutan: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritan: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};
const TO_XYZ: Matrix = [
  [0.4124564, 0.3575761, 0.1804375],
  [0.2126729, 0.7151522, 0.072175],
  [0.0193339, 0.119192, 0.9503041],
];

function linear(color: string): Vec {
  const channel = (at: number) => {
    const value = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [channel(1), channel(3), channel(5)];
}

function times(matrix: Matrix, [x, y, z]: Vec): Vec {
  const row = ([a, b, c]: Vec) => a * x + b * y + c * z;
  return [row(matrix[0]), row(matrix[1]), row(matrix[2])];
}

function lab(color: string, vision: Matrix): Vec {
  const clip = (value: number) => Math.min(1, Math.max(0, value));
  const [r, g, b] = times(vision, linear(color));
  const [x, y, z] = times(TO_XYZ, [clip(r), clip(g), clip(b)]);
  const f = (value: number) => (value > 0.008856 ? Math.cbrt(value) : 7.787 * value + 16 / 116);
  const [fx, fy, fz] = [f(x / 0.95047), f(y), f(z / 1.08883)];
  return [116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)];
}

function distance([a, b, c]: Vec, [d, e, f]: Vec): number {
  return Math.hypot(a - d, b - e, c - f);
}

function contrast(one: string, other: string): number {
  const light = (color: string) => times(TO_XYZ, linear(color))[1] + 0.05;
  return Math.max(light(one), light(other)) / Math.min(light(one), light(other));
}

const pairs = [...CORE.keys()].flatMap((one, at) =>
  [...CORE.keys()].slice(at + 1).map((other) => [one, other] as const),
);

for (const theme of ["dark", "light"] as const) {
  const least = { dark: 24.9, light: 26 }[theme];
  for (const [name, vision] of Object.entries(VISION)) {
    test(`core socket colours are far apart on ${theme} in ${name} vision`, () => {
      const closest = Math.min(
        ...pairs.map(([one, other]) =>
          distance(lab(socketStyle(one)[theme], vision), lab(socketStyle(other)[theme], vision)),
        ),
      );
      expect(closest).toBeGreaterThan(least - 0.2);
    });
  }

  test(`every socket colour stands out from a ${theme} node body`, () => {
    const colors = [
      ...[...CORE.values()].map((style) => style[theme]),
      ...OTHERS.map(([dark, light]) => ({ dark, light })[theme]),
    ];
    expect(Math.min(...colors.map((color) => contrast(color, BODY[theme])))).toBeGreaterThanOrEqual(3);
  });
}

test("a pack's type always has the same colour, and letters of its own name", () => {
  expect(socketStyle("film.Grain")).toEqual(socketStyle("film.Grain"));
  expect(socketStyle("film.Grain").tag).toBe("GR");
});

test("no two core types share a shape or a tag", () => {
  expect(new Set([...CORE.values()].map((style) => style.shape)).size).toBe(CORE.size);
  expect(new Set([...CORE.values()].map((style) => style.tag)).size).toBe(CORE.size);
});
