import { css } from "lit";

/** Tokens of states, checked against cards and pages in light and dark; the rest is Home Assistant's. */
export const tokens = css`
  :host {
    --help: #a8005c;
    --fire: #b3261e;
    --linkage: #5b2a86;
    --electrical: #8a4b00;
    --supervision: #b3261e;
    --fault: #7a5900;
    --shielded: #5f6368;
    --good: #1b6e2d;
    --on-fill: #fff;
    --danger: #b3261e;
    --danger-soft: #f7d4d1;
    --focus: #0b57d0;
  }
  :host([dark]) {
    --help: #ff9ad1;
    --fire: #ff8a80;
    --linkage: #c9a6f0;
    --electrical: #ffb74d;
    --supervision: #ff8a80;
    --fault: #ffd54f;
    --shielded: #bdc1c6;
    --good: #81c995;
    --on-fill: #111;
    --danger: #ff8a80;
    --danger-soft: #5c2320;
    --focus: #a8c7fa;
  }
`;

export const common = css`
  * {
    box-sizing: border-box;
  }
  h1,
  h2,
  h3,
  p {
    margin: 0;
  }
  button,
  .button,
  select,
  textarea,
  input {
    font: inherit;
    color: var(--primary-text-color);
  }
  button,
  .button {
    min-height: 48px;
    padding: 0 16px;
    border-radius: 8px;
    border: 1px solid var(--outline-color, var(--secondary-text-color));
    background: var(--card-background-color, #fff);
    font-weight: 500;
    cursor: pointer;
    text-decoration: none;
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 8px;
  }
  button.main {
    background: var(--focus);
    border-color: var(--focus);
    color: var(--on-fill);
  }
  button:disabled {
    border-style: dashed;
    cursor: not-allowed;
  }
  button.main:disabled {
    border-color: var(--secondary-text-color);
    background: none;
    color: var(--secondary-text-color);
  }
  :focus-visible {
    outline: 3px solid var(--focus);
    outline-offset: 2px;
  }
  a {
    color: inherit;
  }
  svg {
    width: 24px;
    height: 24px;
    flex: none;
  }
  time,
  .number {
    font-variant-numeric: tabular-nums;
  }
  .quiet {
    color: var(--secondary-text-color);
  }
  .chip {
    display: inline-block;
    padding: 0 8px;
    border-radius: 4px;
    border: 2px solid currentColor;
    font-weight: 700;
    font-size: 14px;
    line-height: 20px;
  }
  .mark {
    display: inline-flex;
    align-items: center;
    gap: 6px;
    font-weight: 700;
  }
  .class {
    padding: 2px 10px 2px 6px;
    border-radius: 6px;
    border: 2px solid var(--c);
    color: var(--c);
  }
  .filled .class {
    background: var(--c);
    color: var(--on-fill);
  }
  .filled.over .class {
    background: none;
    color: var(--c);
  }
  .may-be-on {
    color: var(--linkage);
    font-weight: 700;
  }
  .proven {
    color: var(--good);
  }
  .did {
    flex-basis: 100%;
  }
  .did.failed {
    color: var(--fire);
    font-weight: 500;
  }
  dialog {
    border: 1px solid var(--outline-color, var(--secondary-text-color));
    border-radius: 12px;
    padding: 20px;
    background: var(--card-background-color, #fff);
    color: var(--primary-text-color);
    width: min(520px, calc(100vw - 24px));
    max-height: calc(100vh - 24px);
  }
  dialog::backdrop {
    background: rgb(0 0 0 / 60%);
  }
  dialog form,
  dialog .rows {
    display: grid;
    gap: 12px;
  }
  dialog ul {
    margin: 0;
    padding-inline-start: 20px;
  }
  fieldset {
    border: 1px solid var(--divider-color);
    border-radius: 8px;
    padding: 8px 12px;
    margin: 0;
  }
  fieldset .choices,
  .choices {
    display: flex;
    flex-wrap: wrap;
    gap: 8px;
  }
  h1 + .box,
  p + :is(.actions, .box, .choices),
  :is(.actions, .choices) + :is(p, .field),
  .field + p {
    margin-top: 8px;
  }
  label.choice {
    display: flex;
    align-items: center;
    gap: 10px;
    min-height: 44px;
  }
  label.choice input {
    width: 24px;
    height: 24px;
  }
  textarea {
    width: 100%;
    min-height: 88px;
    padding: 8px;
    border-radius: 8px;
    border: 1px solid var(--outline-color, var(--secondary-text-color));
    background: var(--primary-background-color);
  }
  @media (forced-colors: active) {
    .class,
    .chip {
      border: 2px solid;
    }
  }
  @media print {
    button,
    cs-hold,
    .no-print {
      display: none !important;
    }
  }
`;

/** The colour of what is of a rank, over that of what has none: put it last. */
export const ranks = css`
  .fire {
    --c: var(--fire);
  }
  .linkage {
    --c: var(--linkage);
  }
  .electrical {
    --c: var(--electrical);
  }
  .supervision {
    --c: var(--supervision);
  }
  .fault {
    --c: var(--fault);
  }
  .shelved {
    --c: var(--shielded);
  }
`;
