/* What the server asks of a password (NIST SP 800-63B); it alone decides. */
export const PASSWORD_HINT =
    "At least 8 characters; a few words are better than signs. Common passwords are refused.";
