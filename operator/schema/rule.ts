/**
 * Rules that a schema's types and bounds cannot say. Each is held twice: by zod, which refuses it
 * in `spillway up`, and in CEL, which the API server runs. Its words stand once, so that both
 * refuse in the same ones.
 * Bounds matter: the API server estimates what a rule may cost from the lengths that the schema
 * allows, and refuses a definition whose rules could cost too much. A `messageExpression` that
 * turns a number into text is always too dear, so messages are fixed texts.
 */
/** Why something is refused, apart from the field and what stands there. */
export interface RuleWords {
  /** What is wrong, a clause that follows the field's name. */
  readonly problem: string;
  /** What is allowed. */
  readonly bound?: string;
  /** What to do, a sentence. */
  readonly remedy: string;
}

/** One row of `x-kubernetes-validations`. */
export interface CelRule {
  readonly rule: string;
  readonly message: string;
  /** The field that is told, relative to where the rule stands; absent: that place itself. */
  readonly fieldPath?: string;
}

/**
 * A rule for the API server, in the same words. The bound is left out where the remedy repeats it.
 * @param field that is told, below the place of the rule; absent: that place itself.
 */
export function celRule(rule: string, words: RuleWords, field?: string): CelRule {
  const { problem, bound, remedy } = words;
  const isTold = bound === undefined || remedy.includes(bound);
  const message = `${problem}${isTold ? "" : ` (allowed: ${bound})`}. ${remedy}`;
  return { rule, message, ...(field === undefined ? {} : { fieldPath: `.${field}` }) };
}

/** The same words for a zod refinement. */
export function refusedWith({ problem, bound, remedy }: RuleWords) {
  return { error: problem, params: { remedy, ...(bound === undefined ? {} : { bound }) } };
}

/** Words of a map with too many entries. @param noun what its entries are, in the plural. */
export function tooMany(maxEntries: number, noun: string): RuleWords {
  return {
    problem: "has too many entries",
    bound: String(maxEntries),
    remedy: `Keep ${maxEntries} ${noun} or fewer.`,
  };
}
