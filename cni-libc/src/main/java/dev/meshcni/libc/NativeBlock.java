// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.libc;

import com.sun.jna.Native;
import com.sun.jna.Pointer;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Native memory that is freed at a known moment, by its owner, and not by a cleaner thread. */
final class NativeBlock implements AutoCloseable {
    private final Pointer start;
    private final long size;
    private long used;

    /** A block of zeros. */
    NativeBlock(long size) {
        this(new Pointer(Native.malloc(size)), size);
        start.clear(size);
    }

    private NativeBlock(Pointer start, long size) {
        this.start = start;
        this.size = size;
    }

    /** A block for what is written before it is read: of a large one, only pages that are needed are touched. */
    static NativeBlock unfilled(long size) {
        return new NativeBlock(new Pointer(Native.malloc(size)), size);
    }

    /** The next bytes of the block, aligned for any type. */
    Pointer take(long bytes) {
        long offset = used;
        used += (bytes + 15) & -16L;
        if (used > size) {
            throw new IllegalStateException("a native block of " + size + " bytes is too small");
        }
        return start.share(offset, bytes);
    }

    /** An array of C strings that ends with a null pointer, as {@code execve(2)} takes it. */
    Pointer strings(List<String> values) {
        Pointer array = take((values.size() + 1L) * Native.POINTER_SIZE);
        for (int i = 0; i < values.size(); i++) {
            byte[] bytes = values.get(i).getBytes(StandardCharsets.UTF_8);
            Pointer text = take(bytes.length + 1L);
            text.write(0, bytes, 0, bytes.length);
            array.setPointer((long) i * Native.POINTER_SIZE, text);
        }
        return array;
    }

    @Override
    public void close() {
        Native.free(Pointer.nativeValue(start));
    }
}
