package dev.meshcni.core.spi;

/** A pod could not be looked up for now, as its source does not answer; trying again later may help. */
public class PodSourceException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public PodSourceException(String message) {
        super(message);
    }

    public PodSourceException(String message, Throwable cause) {
        super(message, cause);
    }
}
