/* CodeEditor.tsx - CodeMirror for JSON and SQL, with findings as marks in the text.  Loaded when needed. */

import {
    autocompletion,
    type CompletionContext,
    type CompletionSource,
    completionKeymap,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { keywordCompletionSource, SQLite, schemaCompletionSource, sql } from "@codemirror/lang-sql";
import {
    bracketMatching,
    foldGutter,
    foldKeymap,
    HighlightStyle,
    indentOnInput,
    syntaxHighlighting,
} from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { EditorState, type Extension, Prec } from "@codemirror/state";
import {
    drawSelection,
    EditorView,
    highlightActiveLine,
    highlightActiveLineGutter,
    keymap,
    lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "react";
import type { Finding } from "../../base/wire";
import type { CodeEditorProps, SqlWords } from "./types";

const look = EditorView.theme({
    "&": {
        height: "100%",
        fontSize: "var(--size-13)",
        color: "var(--text-1)",
        backgroundColor: "var(--surface)",
    },
    "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "-2px" },
    ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55" },
    ".cm-content": { caretColor: "var(--text-1)", padding: "8px 0" },
    ".cm-cursor": { borderLeftColor: "var(--text-1)" },
    ".cm-gutters": {
        backgroundColor: "var(--surface)",
        color: "var(--text-3)",
        border: "none",
        paddingLeft: "4px",
    },
    ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--raised)" },
    "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground":
        { backgroundColor: "var(--accent-soft)" },
    ".cm-content ::selection": { color: "inherit", backgroundColor: "transparent" },
    ".cm-selectionMatch": { backgroundColor: "var(--warn-soft)" },
    ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": {
        backgroundColor: "var(--accent-soft)",
        outline: "1px solid var(--accent)",
    },
    ".cm-tooltip, .cm-panels": {
        backgroundColor: "var(--surface)",
        color: "var(--text-1)",
        borderColor: "var(--divider)",
    },
    ".cm-diagnostic": { fontFamily: "var(--font)", padding: "6px 10px", maxWidth: "420px" },
    ".cm-diagnostic-error": { borderLeftColor: "var(--crit)" },
    ".cm-diagnostic-warning": { borderLeftColor: "var(--warn)" },
    ".cm-foldPlaceholder": {
        backgroundColor: "var(--raised)",
        borderColor: "var(--divider)",
        color: "var(--text-2)",
    },
    ".cm-textfield, .cm-button": {
        background: "var(--surface)",
        color: "var(--text-1)",
        border: "1px solid var(--control-border)",
        borderRadius: "4px",
    },
});

const colours = HighlightStyle.define([
    { tag: tags.propertyName, color: "var(--accent)" },
    { tag: tags.string, color: "var(--text-1)" },
    { tag: [tags.number, tags.bool, tags.null], color: "var(--sim)" },
    { tag: [tags.separator, tags.squareBracket, tags.brace], color: "var(--text-3)" },
    { tag: tags.keyword, color: "var(--accent)" },
    { tag: tags.comment, color: "var(--text-3)" },
    { tag: tags.invalid, color: "var(--crit)" },
]);

/* Twins' ids within quotes, else functions; tables and columns come from the language's own. */
function ownWords(words: SqlWords): CompletionSource {
    return (context: CompletionContext) => {
        const quoted = context.matchBefore(/'[A-Za-z0-9._:-]*/);
        if (quoted) {
            const options = words.ids.map((label) => ({ label, type: "constant" }));
            return { from: quoted.from + 1, options };
        }
        const word = context.matchBefore(/\w+/);
        if (!word && !context.explicit) return null;
        const options = words.functions.map((label) => ({
            label,
            apply: `${label}(`,
            type: "function",
        }));
        return { from: word?.from ?? context.pos, options };
    };
}

function language(words: SqlWords | undefined, run: () => void): Extension {
    if (!words) return json();
    const schema = { dialect: SQLite, schema: words.tables };
    return [
        sql({ dialect: SQLite }),
        autocompletion({
            override: [
                ownWords(words),
                schemaCompletionSource(schema),
                keywordCompletionSource(SQLite, true),
            ],
        }),
        keymap.of(completionKeymap),
        Prec.highest(
            keymap.of([
                {
                    key: "Mod-Enter",
                    run: () => {
                        run();
                        return true;
                    },
                },
            ]),
        ),
    ];
}

function diagnostics(state: EditorState, findings: Finding[]): Diagnostic[] {
    const out: Diagnostic[] = [];
    for (const f of findings) {
        const line = state.doc.line(Math.min(Math.max(1, f.line), state.doc.lines));
        const from = Math.min(line.from + Math.max(0, f.column - 1), line.to);
        out.push({
            from,
            to: line.to,
            severity: f.severity,
            source: f.rule,
            message: f.message,
        });
    }
    return out.sort((a, b) => a.from - b.from);
}

export default function CodeEditor(props: CodeEditorProps) {
    const root = useRef<HTMLDivElement>(null);
    const view = useRef<EditorView | null>(null);
    const latest = useRef(props);
    latest.current = props;
    const { label, readOnly = false, sql: words } = props;

    useEffect(() => {
        if (!root.current) return;
        const editor = new EditorView({
            parent: root.current,
            state: EditorState.create({
                doc: latest.current.value,
                extensions: [
                    lineNumbers(),
                    foldGutter(),
                    lintGutter(),
                    history(),
                    drawSelection(),
                    indentOnInput(),
                    bracketMatching(),
                    highlightActiveLine(),
                    highlightActiveLineGutter(),
                    highlightSelectionMatches(),
                    search({ top: true }),
                    language(words, () => latest.current.onRun?.()),
                    look,
                    syntaxHighlighting(colours),
                    keymap.of([...defaultKeymap, ...historyKeymap, ...foldKeymap, ...searchKeymap]),
                    EditorState.tabSize.of(2),
                    EditorState.readOnly.of(readOnly),
                    EditorView.contentAttributes.of({
                        "aria-label": label,
                        tabindex: "0",
                        spellcheck: "false",
                    }),
                    EditorView.updateListener.of((update) => {
                        if (update.docChanged) {
                            latest.current.onChange(update.state.doc.toString());
                        }
                    }),
                ],
            }),
        });
        view.current = editor;
        editor.dispatch(
            setDiagnostics(editor.state, diagnostics(editor.state, latest.current.findings ?? [])),
        );
        return () => {
            editor.destroy();
            view.current = null;
        };
    }, [label, readOnly, words]);

    useEffect(() => {
        const editor = view.current;
        if (!editor || editor.state.doc.toString() === props.value) return;
        editor.dispatch({
            changes: { from: 0, to: editor.state.doc.length, insert: props.value },
        });
    }, [props.value]);

    useEffect(() => {
        const editor = view.current;
        if (!editor) return;
        editor.dispatch(
            setDiagnostics(editor.state, diagnostics(editor.state, props.findings ?? [])),
        );
    }, [props.findings]);

    useEffect(() => {
        const editor = view.current;
        if (!editor || !props.goTo) return;
        const number = Math.min(Math.max(1, props.goTo.line), editor.state.doc.lines);
        const line = editor.state.doc.line(number);
        const at = Math.min(line.from + Math.max(0, props.goTo.column - 1), line.to);
        editor.dispatch({
            selection: { anchor: at },
            effects: EditorView.scrollIntoView(at, { y: "center" }),
        });
        editor.focus();
    }, [props.goTo]);

    return <div ref={root} style={{ height: "100%", minHeight: 0 }} />;
}
