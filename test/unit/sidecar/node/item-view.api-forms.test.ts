/**
 * The API has its own form of what the work engines speak of, since it may not import them; the
 * node hands values of one to the other as they are. Checked by the compiler: nothing here can fail
 * when it runs, `tsc` fails when one form is changed without the other.
 */
import { describe, expectTypeOf, test } from "vitest";
import type {
  AddOptions,
  ApplicationErrorView,
  CountsByState,
  ItemState as ApiItemState,
  LeaseVerb,
  OutcomeView,
  ProblemCode,
  PulledItem,
  Refusal,
} from "../../../../sidecar/api/ports.ts";
import type {
  AddItemOptions,
  ApplicationErrorFacts,
  ItemCounts,
  ItemState,
  Outcome,
  PulledWork,
  SystemCode,
  WorkRefusal,
  WorkRefusalCode,
  WorkVerb,
} from "../../../../sidecar/core/work/index.ts";

describe("the API's form is the engines' form", () => {
  // Equal, not only assignable to each other: a field that may be absent could be in one alone.
  test("of states, verbs, options, errors and items", () => {
    expectTypeOf<ApiItemState>().toEqualTypeOf<ItemState>();
    expectTypeOf<CountsByState>().toEqualTypeOf<ItemCounts>();
    expectTypeOf<LeaseVerb>().toEqualTypeOf<WorkVerb>();
    expectTypeOf<AddOptions>().toEqualTypeOf<AddItemOptions>();
    expectTypeOf<ApplicationErrorView>().toEqualTypeOf<ApplicationErrorFacts>();
    expectTypeOf<PulledItem>().toEqualTypeOf<PulledWork>();
  });

  test("of outcomes, whose system codes the API leaves open", () => {
    type Opened<T> = T extends { readonly system: { readonly code: SystemCode } }
      ? Omit<T, "system"> & { readonly system: { readonly code: string; readonly message: string } }
      : T;
    expectTypeOf<Outcome>().toExtend<OutcomeView>();
    expectTypeOf<OutcomeView>().toExtend<Opened<Outcome>>();
    expectTypeOf<Outcome["kind"]>().toEqualTypeOf<OutcomeView["kind"]>();
  });

  test("of refusals, of which the API has more codes and a field of a body", () => {
    expectTypeOf<WorkRefusalCode>().toExtend<ProblemCode>();
    expectTypeOf<Omit<WorkRefusal, "code">>().toEqualTypeOf<Omit<Refusal, "code" | "fieldPath">>();
  });
});

describe("a form that has drifted is noticed", () => {
  test("by an option that the engines lack, a state more, a field of a verb", () => {
    expectTypeOf<AddOptions>().not.toEqualTypeOf<Omit<AddItemOptions, "submitter">>();
    expectTypeOf<ApiItemState>().not.toEqualTypeOf<ItemState | "parked">();
    expectTypeOf<LeaseVerb>().not.toEqualTypeOf<Exclude<WorkVerb, { readonly verb: "release" }>>();
    expectTypeOf<PulledItem>().not.toEqualTypeOf<PulledWork & { readonly more?: string }>();
  });
});
