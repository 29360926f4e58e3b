/**
 * From flags, environment and config file to checked values. Start at {@link
 * dev.warren.cli.settings.Flag}, the one description of a setting, and {@link
 * dev.warren.cli.settings.Settings}, which finds its value and says where a wrong one came from.
 * What a setting is good for is not known here.
 */
package dev.warren.cli.settings;
