/* "Chrome on Linux", as far as the browser tells. */
export function thisDevice(agent = navigator.userAgent): string {
    const browser = /Firefox\//.test(agent)
        ? "Firefox"
        : /Edg\//.test(agent)
          ? "Edge"
          : /Chrome\//.test(agent)
            ? "Chrome"
            : /Safari\//.test(agent)
              ? "Safari"
              : "Browser";
    const system = [
        [/Android/, "Android"],
        [/iPhone|iPad/, "iOS"],
        [/Mac OS/, "macOS"],
        [/Windows/, "Windows"],
        [/Linux|X11/, "Linux"],
    ].find(([mark]) => (mark as RegExp).test(agent))?.[1];
    return system ? `${browser} on ${system as string}` : browser;
}
