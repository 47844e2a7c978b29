import { html, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import type { Outcome } from "./model";
import { Sheet, type Done } from "./sheet";

/** A field of what is changed: what was read, and how it is asked. */
export interface Asked {
  name: string;
  label: string;
  /** What is known, as it is sent; of what is masked nothing is. */
  value: string;
  /** Shown in its place where the value is not known in full. */
  masked?: string;
  type?: string;
  options?: [string, string][];
}

/** How something of a version is read and written. */
export interface Subject {
  title: string;
  version: number;
  fields: Asked[];
  /** Sends what was changed; with what is there now if somebody was faster. */
  send: (values: Record<string, string>, version: number) => Promise<Outcome<unknown, unknown>>;
  /** What is there now, in the same fields. */
  read: (conflict: unknown) => { version: number; fields: Asked[] };
}

/** Changes fields. If somebody was faster, it is chosen for each field that both have changed. */
export class ChangeSheet extends Sheet {
  @property({ attribute: false }) subject!: Subject;
  /** What somebody else has written meanwhile. */
  @state() private theirs: { version: number; fields: Asked[] } | null = null;
  @state() private chosen: Record<string, "mine" | "theirs"> = {};

  override connectedCallback(): void {
    super.connectedCallback();
    for (const field of this.subject.fields) {
      this.values[field.name] = field.value;
    }
  }

  protected override heading(): string {
    return this.subject.title;
  }

  /** The fields that differ from what was read. */
  private get changed(): Record<string, string> {
    return Object.fromEntries(
      this.subject.fields
        .map(({ name, value }) => [name, value, (this.values[name] ?? "").trim()] as const)
        .filter(([, before, now]) => now !== before)
        .map(([name, , now]) => [name, now]),
    );
  }

  protected override body(): TemplateResult {
    const { t } = this.room;
    if (this.theirs) {
      return this.conflict(this.theirs);
    }
    const isSame = !Object.keys(this.changed).length;
    return html`<form
      @submit=${(event: Event) => {
        event.preventDefault();
        void this.submit(() => this.send(this.changed, this.subject.version));
      }}
    >
      <div class="fields">
        ${this.subject.fields.map((field) =>
          field.options
            ? this.select(field.name, field.label, field.options)
            : this.field(field.name, field.label, {
                ...(field.type ? { type: field.type } : {}),
                ...(field.masked ? { placeholder: field.masked } : {}),
              }),
        )}
      </div>
      <div class="actions">
        <button class="main" type="submit" ?disabled=${this.blocked || isSame}>${t("save")}</button>
      </div>
    </form>`;
  }

  private conflict(theirs: { version: number; fields: Asked[] }): TemplateResult {
    const { t } = this.room;
    const rows = this.both(theirs);
    return html`<form
      class="clash"
      @submit=${(event: Event) => {
        event.preventDefault();
        const { changed } = this;
        const values = Object.fromEntries(
          Object.entries(changed).filter(([name]) => this.chosen[name] !== "theirs"),
        );
        void this.submit(() =>
          Object.keys(values).length ? this.send(values, theirs.version) : Promise.resolve({ text: t("kept_theirs") }),
        );
      }}
    >
      <h3 role="alert">${t("somebody_faster")}</h3>
      ${rows.length
        ? rows.map(
            ({ name, label, mine, now }) =>
              html`<fieldset data-field=${name}>
                <legend>${label}</legend>
                ${(["mine", "theirs"] as const).map(
                  (side) =>
                    html`<label class="choice">
                      <input
                        type="radio"
                        name=${name}
                        .checked=${(this.chosen[name] ?? "mine") === side}
                        @change=${() => {
                          this.chosen = { ...this.chosen, [name]: side };
                        }}
                      />
                      ${t(side)}: <strong>${(side === "mine" ? mine : now) || t("nothing")}</strong>
                    </label>`,
                )}
              </fieldset>`,
          )
        : html`<p>${t("other_fields")}</p>`}
      <div class="actions">
        <button class="main" type="submit" ?disabled=${this.blocked}>${t("save")}</button>
      </div>
    </form>`;
  }

  /** The fields that both have changed, to something else. */
  private both(theirs: { fields: Asked[] }) {
    const { changed } = this;
    return this.subject.fields.flatMap(({ name, label, value, masked, options }) => {
      const now = theirs.fields.find((field) => field.name === name);
      const mine = changed[name];
      if (mine === undefined || !now || (now.value === value && now.masked === masked) || (now.value === mine && !now.masked)) {
        return [];
      }
      const said = (code: string): string => options?.find(([key]) => key === code)?.[1] ?? code;
      return [{ name, label, mine: said(mine), now: said(now.value) || (now.masked ?? "") }];
    });
  }

  private async send(values: Record<string, string>, version: number): Promise<Done | null> {
    const answer = await this.subject.send(values, version);
    if (answer.written) {
      return { text: this.room.t("saved") };
    }
    this.theirs = this.subject.read(answer.conflict);
    return null;
  }
}
