/* rawjson.mjs - JSON compared as people wrote it: the order of members and the digits of numbers
 * count, white space and the way a character is escaped do not. */

/* A tree in which a number is {digits} and an object is a list of [key, value]. */
export function raw(text) {
    let i = 0;
    const space = () => {
        while (i < text.length && " \t\r\n".includes(text[i])) i++;
    };
    const string = () => {
        const from = i++;
        while (text[i] !== '"') i += text[i] === "\\" ? 2 : 1;
        return JSON.parse(text.slice(from, ++i));
    };
    const many = (end, one) => {
        const list = [];
        i++;
        for (space(); text[i] !== end; space()) {
            list.push(one());
            space();
            if (text[i] === ",") i++;
        }
        i++;
        return list;
    };
    const member = () => {
        const key = string();
        space();
        i++;
        return [key, value()];
    };
    const value = () => {
        space();
        if (text[i] === "{") return { object: many("}", member) };
        if (text[i] === "[") return many("]", value);
        if (text[i] === '"') return string();
        const [word] = /^[^\s,\]}]+/.exec(text.slice(i, i + 4000));
        i += word.length;
        return /^[-\d]/.test(word) ? { digits: word } : JSON.parse(word);
    };
    JSON.parse(text); /* so that what is not JSON is said as such */
    return value();
}

/* The value at a path of keys in such a tree, or undefined. */
export function at(tree, ...path) {
    let node = tree;
    for (const step of path)
        node = Array.isArray(node) ? node[step] : node?.object?.find(([k]) => k === step)?.[1];
    return node;
}
