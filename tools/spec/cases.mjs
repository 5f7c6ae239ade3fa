// What a check is made of. A check of a file has
//   cases(vector)   [{ label, given, expected }]: what is given, and what must follow from it
//   derive(given)   what follows, with at least the keys of `expected`
//   corruptible     paths of values that must not change unnoticed; a number in a path is any index

/** A file of columns, one array a column. A column named `x[4]` has four values a case. */
export const columns = (given, expected, derive) => {
  const parse = (name) => {
    const [, key, width] = /^(\w+)(?:\[(\d+)\])?$/.exec(name);
    return { key, width: Number(width ?? 0) };
  };
  const row = (vector, names, i) =>
    Object.fromEntries(
      names.map(parse).map(({ key, width }) => {
        const column = vector[key];
        return [key, width === 0 ? column[i] : column.slice(width * i, width * (i + 1))];
      }),
    );
  const { key, width } = parse(given[0]);
  return {
    cases: (vector) =>
      Array.from({ length: vector[key].length / (width || 1) }, (_, i) => ({
        label: `case ${i}`,
        given: row(vector, given, i),
        expected: row(vector, expected, i),
      })),
    derive,
    corruptible: expected.map((name) => [parse(name).key, 0]),
  };
};

/** Several checks of one file. */
export const all = (...checks) => ({
  cases: (vector) => checks.flatMap((check, which) => check.cases(vector).map((one) => ({ ...one, which }))),
  derive: (given, which) => checks[which].derive(given),
  corruptible: checks.flatMap((check) => check.corruptible),
});

/** One form for values that JSON has as numbers, decimal texts, flags or hex. */
export const canonical = (value) => {
  if (Array.isArray(value)) return value.map(canonical);
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.keys(value).sort().map((key) => [key, canonical(value[key])]));
  }
  if (typeof value === "boolean") return value ? "1" : "0";
  if (typeof value === "string") return value.toLowerCase();
  return String(value);
};

/** Whether a case holds: the keys whose derived value differs, with both values. */
export const differences = (check, { given, expected, which }) => {
  let derived;
  try {
    derived = check.derive(given, which);
  } catch (error) {
    return [{ key: "error", expected: "a value", derived: error.message }];
  }
  return Object.keys(expected)
    .map((key) => ({
      key,
      expected: JSON.stringify(canonical(expected[key])),
      derived: JSON.stringify(canonical(derived[key])),
    }))
    .filter((one) => one.expected !== one.derived);
};

/** Values compared in a case. */
export const size = ({ expected }) =>
  Object.values(expected).reduce((sum, value) => sum + (Array.isArray(value) ? value.length : 1), 0);
