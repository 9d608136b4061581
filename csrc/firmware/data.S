/* The data of an image, put into the folder of the build. */
    .section .rodata
    .balign 8
    .global image_trace_begin
    .global image_trace_end
image_trace_begin:
    .incbin "trace.bin"
image_trace_end:
    .balign 8
    .global image_ops_begin
    .global image_ops_end
image_ops_begin:
    .incbin "ops.bin"
image_ops_end:
