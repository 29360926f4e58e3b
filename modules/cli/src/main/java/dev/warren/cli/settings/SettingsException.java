package dev.warren.cli.settings;

/**
 * A setting that stops the start. The text names it, its value, what was expected and its source.
 */
public final class SettingsException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public SettingsException(String message) {
    super(message, null, false, false);
  }
}
