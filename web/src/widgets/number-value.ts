import { type Json, isNumber, whole } from "../model/json";
import type { Input } from "../model/spec";
import { evaluate } from "./expression";

export type Amount = number | bigint;

export function isWholeInput(input: Input): boolean {
  return input.type.split(",")[0] === "INT";
}

export function amountOf(value: Json): Amount {
  return isNumber(value) ? value : 0;
}

/** How far one arrow key or one step of a drag goes. */
export function stepOf(input: Input): number {
  return input.widget?.step ?? (isWholeInput(input) ? 1 : 0.01);
}

/** A value as near to the wanted one as the input's limits and rounding allow. */
export function fit(wanted: Amount, input: Input): Amount {
  const { low = null, high = null, round_to = null } = input.widget ?? {};
  if (isWholeInput(input)) {
    const value = typeof wanted === "bigint" ? wanted : BigInt(Math.round(wanted));
    const least = low === null ? null : BigInt(Math.ceil(low));
    const most = high === null ? null : exactLimit(high);
    if (least !== null && value < least) return whole(least);
    return most !== null && value > most ? whole(most) : whole(value);
  }
  const value = Math.max(low ?? -Infinity, Math.min(high ?? Infinity, Number(wanted)));
  return round_to === null || round_to === 0 ? tidy(value) : tidy(Math.round(value / round_to) * round_to);
}

/** A limit of 2^64 - 1 arrives as the nearest double, 2^64; what is meant is the number below. */
function exactLimit(high: number): bigint {
  const limit = BigInt(Math.floor(high));
  return high >= 2 ** 53 && Number.isInteger(Math.log2(high)) ? limit - 1n : limit;
}

/** What a typed text means here, or null if nothing. */
export function read(text: string, input: Input): Amount | null {
  const trimmed = text.trim();
  if (/^[-+]?\d+$/.test(trimmed)) return fit(BigInt(trimmed), input);
  const value = evaluate(trimmed);
  return value === null ? null : fit(value, input);
}

/** `steps` steps on from a value; on a grid of the step when whole. */
export function stepped(value: Amount, steps: number, input: Input): Amount {
  const step = stepOf(input);
  if (typeof value === "bigint") return fit(value + BigInt(Math.round(steps * step)), input);
  return fit(tidy(value + steps * step), input);
}

/** The value as it is shown. */
export function shown(value: Amount, input: Input): string {
  if (typeof value === "bigint" || isWholeInput(input)) return String(value);
  const places = Math.max(1, Math.min(6, Math.ceil(-Math.log10(stepOf(input)) - 1e-9)));
  const short = value.toFixed(places);
  return Number(short) === value ? short : String(value);
}

/** Without the dust that binary fractions leave: 0.1 + 0.2 is 0.3. */
function tidy(value: number): number {
  return Number(value.toPrecision(12));
}
