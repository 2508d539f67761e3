import { Button } from "./Button";
import { CopyButton } from "./Copy";
import { download } from "./download";
import { Icon } from "./Icon";
import style from "./Secret.module.css";

/* A page of its own, so that what is printed is the codes and nothing else. */
function print(codes: string[]): void {
    const frame = document.createElement("iframe");
    /* out of sight, but laid out: what is not displayed is not printed */
    frame.style.cssText = "position:fixed;left:-9999px;width:800px;height:600px";
    frame.setAttribute("aria-hidden", "true");
    document.body.append(frame);
    const doc = frame.contentDocument;
    if (!doc || !frame.contentWindow) return;
    const pre = doc.createElement("pre");
    pre.style.font = "14pt monospace";
    pre.textContent = asText(codes);
    doc.title = "Recovery codes";
    doc.body.append(pre);
    frame.contentWindow.addEventListener("afterprint", () => frame.remove());
    frame.contentWindow.print();
}

function asText(codes: string[]): string {
    return `Recovery codes for Doppel at ${location.host}\nEach works once, in place of the code of your app.\n\n${codes.join("\n")}\n`;
}

export function RecoveryCodes({ codes }: { codes: string[] }) {
    return (
        <div className={style.secret} data-testid="recovery-codes">
            <p className={style.once}>
                <Icon name="key" />
                <span>
                    Keep these recovery codes: they are shown this once, and each signs you in once
                    when you do not have your app.
                </span>
            </p>
            <ul className={style.codes} aria-label="Recovery codes">
                {codes.map((code) => (
                    <li key={code}>{code}</li>
                ))}
            </ul>
            <div className={style.buttons}>
                <CopyButton text={codes.join("\n")} what="the recovery codes">
                    Copy
                </CopyButton>
                <Button icon="print" onClick={() => print(codes)}>
                    Print
                </Button>
                <Button
                    icon="download"
                    onClick={() =>
                        download(
                            new Blob([asText(codes)], { type: "text/plain" }),
                            "doppel-recovery-codes.txt",
                        )
                    }
                >
                    Save as a file
                </Button>
            </div>
        </div>
    );
}
