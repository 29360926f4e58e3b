/**
 * A small static file server, to have something behind an agent to try things out with. Start at
 * {@link dev.warren.cli.files.FileServer}. It knows nothing of tunnels.
 */
package dev.warren.cli.files;
