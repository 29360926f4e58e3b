/** What deploy/ says, held against the program itself. Start at ManifestsTest. */
package dev.warren.multijvm.deploy;
