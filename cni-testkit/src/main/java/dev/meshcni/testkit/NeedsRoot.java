// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import net.jqwik.api.lifecycle.AddLifecycleHook;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;

/** A test that needs root, or a class of them: it runs in the lane {@code root}, and is skipped for any other user. */
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.TYPE, ElementType.METHOD})
@Tag(Lane.ROOT)
@net.jqwik.api.Tag(Lane.ROOT)
@ExtendWith(RootCondition.class)
@AddLifecycleHook(RootCondition.class)
public @interface NeedsRoot {
    /** The step of the test that only root may take; the report of a skipped test shows it. */
    String value();
}
