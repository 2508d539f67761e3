/* MadeSecret.tsx - what a dialog shows once it has made a secret: that, once, and a way out. */

import { Button } from "../../kit/Button";
import { DialogButtons } from "../../kit/Dialog";
import { Secret, type SecretProps } from "../../kit/Secret";
import { sectionsStyle as style } from "../../kit/Sections";

export function MadeSecret({ close, ...secret }: SecretProps & { close: () => void }) {
    return (
        <div className={style.form}>
            <Secret {...secret} />
            <DialogButtons>
                <Button onClick={close}>I have kept it</Button>
            </DialogButtons>
        </div>
    );
}
