// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import java.io.IOException;
import java.io.Serial;

/** The host does not run the plugin as a runtime would start it; the link to it is as it was. */
final class UnusablePluginException extends IOException {
    @Serial
    private static final long serialVersionUID = 1L;

    UnusablePluginException(String reason) {
        super(reason);
    }
}
