/** What the access room throws. "Not someone we know" is a value (undefined), not an error. */

/** A token can't be made as asked: `field` says what is wrong. Nothing was written; trying the same again is useless. */
export class TokenRefusedError extends Error {
  override readonly name = "TokenRefusedError";
  readonly field: "name" | "role" | "expires" | "tokens";
  constructor(field: TokenRefusedError["field"], message: string) {
    super(message);
    this.field = field;
  }
}

/** A token's cell does not hold a token: the store is damaged or foreign. Trying again is useless. */
export class DamagedTokenError extends Error {
  override readonly name = "DamagedTokenError";
  readonly key: string;
  constructor(key: string) {
    super(`the cell ${key} does not hold a token`);
    this.key = key;
  }
}
