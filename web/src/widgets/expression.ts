/** Sums typed into a number field: `512*2`, `(1920-64)/8`, `2**10`, `50%`. */

type Token = number | string;

const TOKEN = /\s*(\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|\*\*|[-+*/%^()])/iy;

/** The number a text stands for, or null if it is no sum. */
export function evaluate(text: string): number | null {
  const tokens = tokensOf(text.replaceAll(",", "."));
  if (tokens === null || tokens.length === 0) return null;
  const parser = new Parser(tokens);
  const value = parser.sum();
  return parser.done && value !== null && Number.isFinite(value) ? value : null;
}

function tokensOf(text: string): Token[] | null {
  const tokens: Token[] = [];
  const trimmed = text.trimEnd();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < trimmed.length) {
    const [, token] = TOKEN.exec(trimmed) ?? [];
    if (token === undefined) return null;
    tokens.push(/[\d.]/.test(token) ? Number(token) : token === "^" ? "**" : token);
  }
  return tokens;
}

/** Recursive descent: sum, product, sign, power, atom. `null` is "no number here" all the way up. */
class Parser {
  private at = 0;
  private readonly tokens: readonly Token[];

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
  }

  get done(): boolean {
    return this.at === this.tokens.length;
  }

  private take(...wanted: string[]): string | null {
    const token = this.tokens[this.at];
    if (typeof token !== "string" || !wanted.includes(token)) return null;
    this.at += 1;
    return token;
  }

  sum(): number | null {
    let left = this.product();
    for (let sign = this.take("+", "-"); sign !== null; sign = this.take("+", "-")) {
      const right = this.product();
      if (left === null || right === null) return null;
      left = sign === "+" ? left + right : left - right;
    }
    return left;
  }

  private product(): number | null {
    let left = this.signed();
    for (let sign = this.take("*", "/"); sign !== null; sign = this.take("*", "/")) {
      const right = this.signed();
      if (left === null || right === null) return null;
      left = sign === "*" ? left * right : left / right;
    }
    return left;
  }

  private signed(): number | null {
    const sign = this.take("-", "+");
    if (sign === null) return this.power();
    const value = this.signed();
    return value === null ? null : sign === "-" ? -value : value;
  }

  private power(): number | null {
    const base = this.atom();
    if (base === null || this.take("**") === null) return base;
    const exponent = this.signed();
    return exponent === null ? null : base ** exponent;
  }

  private atom(): number | null {
    const token = this.tokens[this.at];
    let value: number | null = null;
    if (typeof token === "number") {
      this.at += 1;
      value = token;
    } else if (this.take("(") !== null) {
      value = this.sum();
      if (this.take(")") === null) return null;
    }
    return value !== null && this.take("%") !== null ? value / 100 : value;
  }
}
